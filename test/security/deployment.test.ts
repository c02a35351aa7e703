import { describe, expect, test } from '@jest/globals'
import { gatewayVariables, workerVariables } from '../../src/variables.ts'
import { compose, environmentOf, read, type Service, service } from '../deploy/support/compose.ts'

const services = Object.entries(compose.services)
const networksOf = ({ networks = ['default'] }: Service): readonly string[] => networks

/** Every service that shares a network with the one that is named. */
function peersOf(name: string): string[] {
  const own = networksOf(service(name))
  return services
    .filter(([other, one]) => other !== name && networksOf(one).some((network) => own.includes(network)))
    .map(([other]) => other)
    .sort()
}

describe('docker-compose.yml', () => {
  // A name without a value would take away what the image sets.
  const setByTheImage = [...read('Dockerfile').matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) =>
    [...line.matchAll(/(\w+)=/g)].map(([, name]) => name),
  )

  test.each([
    ['gateway', gatewayVariables, []],
    ['worker', workerVariables, ['GOOGLE_APPLICATION_CREDENTIALS']],
  ] as const)(
    'finding 8: %s is given each variable that it reads, and no other',
    (name, variables, others) => {
      const wanted = [...Object.keys(variables), ...others].filter(
        (variable) => !setByTheImage.includes(variable),
      )
      expect(Object.keys(service(name).environment ?? {}).sort()).toEqual(wanted.sort())
      expect(service(name).env_file).toBeUndefined()
    },
  )

  test('finding 8: nothing that .env holds for the worker or the database reaches the gateway', () => {
    const names = [...Object.keys(workerVariables), 'GOOGLE_APPLICATION_CREDENTIALS', 'TEMPORAL_DB_PASSWORD']
    const env = Object.fromEntries(names.map((name) => [name, `value of ${name}`]))
    const seen = Object.values(environmentOf(service('gateway'), env)).filter((value) =>
      /value of/.test(value),
    )
    expect(seen.filter((value) => !(value.slice('value of '.length) in gatewayVariables))).toEqual([])
    expect(Object.keys(environmentOf(service('worker'), env))).not.toContain('TEMPORAL_DB_PASSWORD')
  })

  test('finding 8: the gateway has no folder or volume of anybody', () => {
    expect(service('gateway').volumes).toBeUndefined()
  })

  test('finding 8: the gateway reaches Temporal and, of the optional services, those that it needs', () => {
    expect(peersOf('gateway')).toEqual(['local-cloud', 'prometheus', 'temporal'])
  })

  test('finding 8: PostgreSQL is reached by Temporal alone, on a network without a way out', () => {
    expect(peersOf('postgresql')).toEqual(['temporal', 'temporal-schema'])
    expect(networksOf(service('postgresql'))).toEqual(['database'])
    expect(compose.networks['database']).toEqual({ internal: true })
  })

  test('finding 8: the worker publishes no port, the gateway only its own', () => {
    expect(service('worker').ports).toBeUndefined()
    expect(service('gateway').ports).toEqual(['127.0.0.1:8080:8080'])
  })

  test.each(services)(
    'finding 8: %s publishes ports on the loopback address alone',
    (_name, { ports = [] }) => {
      expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
    },
  )

  test('finding 8: no password has a default, and Compose refuses to start without one', () => {
    const secrets = services.flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|PWD|SECRET|API_KEY/.test(name)),
    )
    expect(secrets.length).toBeGreaterThan(3)
    for (const [, value] of secrets) {
      if (value !== null) expect(value).toMatch(/^\$\{TEMPORAL_DB_PASSWORD:\?make one with .+\}$/)
    }
    expect(read('docker-compose.yml')).not.toMatch(/PASSWORD:?-/)
    expect(read('deploy/local-cloud.env')).not.toMatch(/PASSWORD/)
  })
})

describe('docs/own-project.md', () => {
  const text = read('docs/own-project.md').replaceAll('\\\n', ' ')
  const commands = text.split('\n').filter((line) => /^\s*gcloud /.test(line))

  test('finding 8: deploys the gateway as an account of its own, which is granted nothing', () => {
    const deploy = commands.find((line) => line.includes('gcloud run deploy average-speed-gateway'))
    expect(deploy).toContain('--service-account=$GATEWAY')
    expect(text).toContain('GATEWAY=average-speed-gateway@$PROJECT.iam.gserviceaccount.com')
    expect(commands.filter((line) => /--member=\S*\$\{?GATEWAY/.test(line))).toEqual([])
  })
})
