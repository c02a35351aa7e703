import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { temporalOptions } from '../../src/clients.ts'
import { loadGatewayConfig, loadWorkerConfig } from '../../src/config.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'

const pipeline = {
  GOOGLE_CLOUD_PROJECT: 'some-project',
  RAW_BUCKET: 'raw',
  PROCESSED_BUCKET: 'processed',
  STATE_BUCKET: 'state',
  BQ_OUTPUT_TABLE: 'some-project.Demo.trips',
}
let folder: string
let pems: Certificates
let files: Readonly<
  Record<'authority' | 'client' | 'key' | 'otherKey' | 'profiles' | 'empty' | 'misspelt', string>
>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'temporal-access-'))
  pems = await makeCertificates()
  const put = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  files = {
    authority: await put('authority.pem', pems.authority.certificate),
    client: await put('client.pem', pems.client.certificate),
    key: await put('client.key', pems.client.key),
    otherKey: await put('other.key', pems.stranger.key),
    empty: await put('empty.toml', ''),
    misspelt: await put('misspelt.toml', '[profile.default]\nadress = "temporal:7233"\n'),
    profiles: await put(
      'temporal.toml',
      [
        '[profile.default]',
        'address = "from-default:7233"',
        '[profile.production]',
        'address = "production.a1b2c.tmprl.cloud:7233"',
        'namespace = "production.a1b2c"',
        'api_key = "key-of-the-profile"',
      ].join('\n'),
    ),
  }
})

afterAll(() => rm(folder, { recursive: true, force: true }))

const accessOf = (env: Readonly<Record<string, string>>) => loadWorkerConfig({ ...pipeline, ...env }).temporal

/** What a start with these variables complains of. */
function complaintOf(env: Readonly<Record<string, string>>): string {
  try {
    accessOf(env)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('The configuration was taken for good.')
}

describe('how Temporal is reached', () => {
  test('without any variable: plain text, on this machine', () => {
    expect(temporalOptions(accessOf({}))).toEqual({ address: '127.0.0.1:7233' })
    expect(accessOf({}).namespace).toBe('default')
  })

  test('an API key turns TLS on, and goes into every call', () => {
    expect(temporalOptions(accessOf({ TEMPORAL_API_KEY: 'secret' }))).toEqual({
      address: '127.0.0.1:7233',
      apiKey: 'secret',
      tls: {},
    })
  })

  test('mutual TLS, by files and by text', () => {
    const tls = {
      serverNameOverride: 'temporal.test',
      serverRootCACertificate: new TextEncoder().encode(pems.authority.certificate),
      clientCertPair: {
        crt: new TextEncoder().encode(pems.client.certificate),
        key: new TextEncoder().encode(pems.client.key),
      },
    }
    const byFile = accessOf({
      TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: files.authority,
      TEMPORAL_TLS_CLIENT_CERT_PATH: files.client,
      TEMPORAL_TLS_CLIENT_KEY_PATH: files.key,
    })
    const byText = accessOf({
      TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: pems.authority.certificate,
      TEMPORAL_TLS_CLIENT_CERT_DATA: pems.client.certificate,
      TEMPORAL_TLS_CLIENT_KEY_DATA: pems.client.key,
    })
    expect(JSON.stringify(byFile.tls)).toEqual(JSON.stringify(tls))
    expect(JSON.stringify(byText.tls)).toEqual(JSON.stringify(tls))
  })

  test('a profile is used when it is asked for, and a variable comes before it', () => {
    const production = { TEMPORAL_CONFIG_FILE: files.profiles, TEMPORAL_PROFILE: 'production' }
    expect(accessOf(production)).toMatchObject({
      address: 'production.a1b2c.tmprl.cloud:7233',
      namespace: 'production.a1b2c',
      apiKey: 'key-of-the-profile',
      tls: {},
      taskQueue: 'average-speed',
    })
    expect(accessOf({ ...production, TEMPORAL_NAMESPACE: 'other' }).namespace).toBe('other')
    expect(accessOf({ TEMPORAL_CONFIG_FILE: files.profiles }).address).toBe('from-default:7233')
  })

  test("nobody's profile is used unasked", async () => {
    await mkdir(join(folder, 'temporalio'))
    await writeFile(
      join(folder, 'temporalio', 'temporal.toml'),
      '[profile.default]\naddress = "found:7233"\n',
    )
    const home = { XDG_CONFIG_HOME: folder, APPDATA: folder }
    expect(accessOf(home).address).toBe('127.0.0.1:7233')
    // On macOS the file lies elsewhere below the home directory.
    if (process.platform !== 'darwin') {
      expect(accessOf({ ...home, TEMPORAL_PROFILE: 'default' }).address).toBe('found:7233')
    }
  })

  test('headers of every call can be given', () => {
    expect(temporalOptions(accessOf({ TEMPORAL_GRPC_META_X_TEAM: 'trips' })).metadata).toEqual({
      'x-team': 'trips',
    })
  })

  test('a variable that is set to nothing counts as absent', () => {
    expect(temporalOptions(accessOf({ TEMPORAL_API_KEY: '', TEMPORAL_TLS: '' }))).toEqual({
      address: '127.0.0.1:7233',
    })
  })

  test.each<[string, () => Record<string, string>, string]>([
    ['a file that is not there', () => ({ TEMPORAL_CONFIG_FILE: '/nowhere.toml' }), '/nowhere.toml: ENOENT'],
    [
      'a profile that is not there',
      () => ({ TEMPORAL_CONFIG_FILE: files.profiles, TEMPORAL_PROFILE: 'absent' }),
      "Profile 'absent' not found",
    ],
    [
      'a file without profiles',
      () => ({ TEMPORAL_CONFIG_FILE: files.empty }),
      'has no table [profile.<name>]',
    ],
    ['a file of another kind', () => ({ TEMPORAL_CONFIG_FILE: files.key }), 'TEMPORAL_CONFIG_FILE /'],
    [
      'a misspelt entry of a profile',
      () => ({ TEMPORAL_CONFIG_FILE: files.misspelt }),
      'unrecognized in profile.default: adress',
    ],
    [
      'a certificate that is not there',
      () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere.pem', TEMPORAL_TLS_CLIENT_KEY_PATH: files.key }),
      'TEMPORAL_TLS_CLIENT_CERT_PATH /nowhere.pem cannot be read: ENOENT',
    ],
    [
      'a key for a certificate',
      () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: files.key, TEMPORAL_TLS_CLIENT_KEY_PATH: files.key }),
      'is not a certificate, in PEM',
    ],
    [
      'a certificate for a key',
      () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: files.client, TEMPORAL_TLS_CLIENT_KEY_PATH: files.client }),
      'is not a private key without a passphrase, in PEM',
    ],
    [
      'the key of another certificate',
      () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: files.client, TEMPORAL_TLS_CLIENT_KEY_PATH: files.otherKey }),
      'TEMPORAL_TLS_CLIENT_KEY is not the key of TEMPORAL_TLS_CLIENT_CERT',
    ],
    [
      'a certificate without a key',
      () => ({ TEMPORAL_TLS_CLIENT_CERT_PATH: files.client }),
      'TEMPORAL_TLS_CLIENT_KEY_PATH is missing',
    ],
    [
      'an API key in plain text',
      () => ({ TEMPORAL_API_KEY: 'secret', TEMPORAL_TLS: 'false' }),
      'TEMPORAL_API_KEY would be sent in plain text',
    ],
    ['a switch that is neither on nor off', () => ({ TEMPORAL_TLS: 'yes' }), 'TEMPORAL_TLS'],
    ['a URL', () => ({ TEMPORAL_ADDRESS: 'https://temporal:7233' }), 'is not host:port'],
  ])('%s is a fault by name', (_what, env, complaint) => {
    expect(complaintOf(env())).toContain(complaint)
    expect(() => loadGatewayConfig({ ...pipeline, ...env() })).toThrow(complaint)
  })

  test('an API key appears in no complaint', () => {
    expect(complaintOf({ TEMPORAL_API_KEY: 'secret', TEMPORAL_TLS: 'false' })).not.toContain('secret')
  })

  test('its faults are reported together with the others', () => {
    const complaint = complaintOf({ TEMPORAL_TLS_CLIENT_CERT_PATH: files.client, MAX_REJECTS: 'many' })
    expect(complaint).toContain('has 2 faults')
    expect(complaint).toContain('MAX_REJECTS')
  })
})
