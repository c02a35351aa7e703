import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import { compose, read } from '../deploy/support/compose.ts'

interface Package {
  /** The package's own name, where an alias stands in the path. */
  readonly name?: string
  readonly version: string
  readonly integrity?: string
  readonly resolved?: string
  readonly dev?: boolean
  readonly link?: boolean
}

const lock: { readonly packages: Readonly<Record<string, Package>> } = JSON.parse(read('package-lock.json'))
const packages = Object.entries(lock.packages).filter(([path, { link }]) => path !== '' && !link)
const dockerfile = read('Dockerfile')

/** Packages whose hash the registry does not tell, each with the reason. None is known. */
const WITHOUT_HASH: Readonly<Record<string, string>> = {}

describe('package-lock.json', () => {
  // npm leaves the hash of another platform's package out when it makes the file anew from node_modules. SECURITY.md says
  // how to fill it in.
  test('finding 18: has the hash of every package, for every platform', () => {
    const lacking = packages.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))
    expect(packages.length).toBeGreaterThan(600)
    expect(lacking.map(([path]) => path)).toEqual(Object.keys(WITHOUT_HASH))
  })

  test('finding 18: names no registry, so that each machine uses its own', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})

describe('npm run sbom', () => {
  test('finding 18: lists every package of the image with its hash, and none for development', async () => {
    const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'sbom'], {
      cwd: join(import.meta.dirname, '..', '..'),
      maxBuffer: 2 ** 26,
    })
    const { bomFormat, metadata, components } = JSON.parse(stdout)
    const production = packages
      .filter(([, { dev }]) => !dev)
      .map(([path, { name, version }]) => `${name ?? path.split('node_modules/').at(-1)}@${version}`)
    expect([bomFormat, metadata.component.name]).toEqual(['CycloneDX', 'average-speed-pipeline'])
    expect(components.map((component: { 'bom-ref': string }) => component['bom-ref']).sort()).toEqual(
      [...new Set(production)].sort(),
    )
    expect(components.filter(({ hashes }: { hashes?: readonly unknown[] }) => !hashes?.length)).toEqual([])
    const { dependencies } = JSON.parse(read('package.json'))
    expect(components.map((component: { name: string }) => component.name)).toEqual(
      expect.arrayContaining(Object.keys(dependencies)),
    )
  })
})

describe('docker-compose.yml', () => {
  test.each(Object.entries(compose.services))(
    'finding 18: %s is bounded, and has no right that it can do without',
    (_, one) => {
      expect(one).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
        tmpfs: expect.arrayContaining(['/tmp']),
        mem_limit: expect.stringMatching(/^\d+[mg]$/),
        pids_limit: expect.any(Number),
      })
      for (const widened of [
        'cap_add',
        'privileged',
        'network_mode',
        'pid',
        'ipc',
        'devices',
        'userns_mode',
      ]) {
        expect(one).not.toHaveProperty(widened)
      }
      expect(JSON.stringify(one.volumes ?? [])).not.toContain('docker.sock')
    },
  )
})

describe('Dockerfile', () => {
  const pipeline = /^FROM .* AS pipeline\n(.*?)^FROM /ms.exec(dockerfile)?.[1] ?? ''

  test('finding 18: builds on one image of one version, the one that compose file and tests use', () => {
    const { devDependencies } = JSON.parse(read('package.json'))
    const image = `node:${devDependencies.node}-bookworm-slim`
    expect(dockerfile).toContain(`ARG NODE_IMAGE=${image}\n`)
    expect(read('docker-compose.yml')).toContain(`NODE_IMAGE: \${NODE_IMAGE:-${image}}`)
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
    expect(bases.filter((base) => !/^\$\{NODE_IMAGE\}$/.test(base ?? ''))).toEqual([])
  })

  test('finding 18: runs no script of a package, and leaves no package manager', () => {
    const installs = [...dockerfile.matchAll(/^RUN npm (ci|install).*$/gm)].map(([line]) => line)
    expect(installs.length).toBeGreaterThan(0)
    expect(installs.filter((line) => !line.includes('--ignore-scripts'))).toEqual([])
    for (const path of ['/usr/local/lib/node_modules', '/usr/local/bin/npm', '/usr/local/bin/corepack']) {
      expect(pipeline).toContain(path)
    }
  })

  test('finding 18: leaves every file to root, and runs as somebody else', () => {
    expect(pipeline).not.toMatch(/chown|chmod/)
    expect(pipeline).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m)
  })
})
