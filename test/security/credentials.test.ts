import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { exportPKCS8, generateKeyPair } from 'jose'
import { gatewayOf } from '../../src/cli/connection.ts'
import { createBigQuery, createGoogleClients, createStorage } from '../../src/clients.ts'
import { type GoogleConfig, loadGatewayConfig, loadSetupConfig, loadWorkerConfig } from '../../src/config.ts'
import { endpointFault, isGoogle } from '../../src/endpoints.ts'
import { runCli } from '../cli/support/run-cli.ts'

const worker = {
  GOOGLE_CLOUD_PROJECT: 'some-project',
  RAW_BUCKET: 'raw',
  PROCESSED_BUCKET: 'processed',
  STATE_BUCKET: 'state',
  BQ_OUTPUT_TABLE: 'some-project.Demo.trips',
}
const gateway = {
  ...worker,
  AUTHENTICATION: 'id-token',
  IAP_CLIENT_ID: 'x',
  ALLOWED_CALLERS: 'a@example.com',
}

const GOOD = [
  'https://storage.googleapis.com',
  'https://storage.googleapis.com:443/',
  'https://googleapis.com/x',
]
const LOOKALIKES = [
  'https://evil.example/googleapis.com',
  'https://evil.example/storage.googleapis.com/',
  'https://evil.example:8443/googleapis.com:443/',
  'http://storage.googleapis.com',
  'https://storage.googleapis.com.evil.example',
  'https://evilgoogleapis.com',
  'https://googleapis.com@evil.example',
  'https://user:googleapis.com@evil.example/',
  'https://evil.example\\.googleapis.com',
  'https://evil.example#.googleapis.com',
  'https://evil.example?.googleapis.com',
  'https://evil.example%2f.googleapis.com',
  'https://storage.googleapis.com.',
  'https://STORAGE.GOOGLEAPIS.COM',
  'https://storage.googleapis.com:8443',
  'https://storage。googleapis.com',
  ' https://storage.googleapis.com',
  'https://evil.example/\t.googleapis.com',
  'https:storage.googleapis.com',
  'ftp://storage.googleapis.com',
  'storage.googleapis.com',
]

describe('finding 16: an endpoint gets credentials only if it is Google’s', () => {
  test.each(GOOD)('%s is', (endpoint) => {
    expect(isGoogle(endpoint)).toBe(true)
    expect(endpointFault(endpoint)).toBeUndefined()
  })

  test.each(LOOKALIKES)('%j is not, and no process starts with it', (endpoint) => {
    expect(isGoogle(endpoint)).toBe(false)
    for (const name of ['STORAGE_API_ENDPOINT', 'BIGQUERY_API_ENDPOINT'])
      expect(() => loadWorkerConfig({ ...worker, [name]: endpoint })).toThrow(name)
    expect(() => loadSetupConfig({ ...worker, IAM_API_ENDPOINT: endpoint })).toThrow('IAM_API_ENDPOINT')
    expect(() => loadGatewayConfig({ ...gateway, GOOGLE_JWKS_URL: endpoint })).toThrow('GOOGLE_JWKS_URL')
    expect(() => loadGatewayConfig({ ...gateway, IAP_JWKS_URL: endpoint })).toThrow('IAP_JWKS_URL')
  })

  test.each([
    'evil.example/googleapis.com',
    'googleapis.com@evil.example',
    'us-central1-dataproc.googleapis.com.evil.example',
    'http://us-central1-dataproc.googleapis.com',
    'http://dataproc.example:80',
  ])('Dataproc at %j is refused', (endpoint) => {
    expect(() => loadWorkerConfig({ ...worker, DATAPROC_API_ENDPOINT: endpoint })).toThrow(
      'DATAPROC_API_ENDPOINT',
    )
  })

  test('plain http is for this machine, and for names that only a private network has', () => {
    for (const host of ['127.0.0.1:9023', '127.8.8.8', 'localhost:1', '[::1]:9', 'local-cloud:9023'])
      expect(endpointFault(`http://${host}`)).toBeUndefined()
    for (const host of [
      '10.0.0.8:9023',
      '128.0.0.1',
      'localhost.evil.example',
      '[::2]',
      '0x80.1',
      '2147483649',
    ])
      expect(endpointFault(`http://${host}`)).toMatch(/use https|not a plain/)
  })

  test('no text makes the URL’s host another than the one that was taken for Google’s', () => {
    const piece = fc.constantFrom(
      ...['https://', 'http://', 'googleapis.com', 'storage.', 'evil.example', '@', '/', '\\', ':443', ':1'],
      ...['.', '#', '?', '%2e', '\t', ' ', '．', 'GOOGLEAPIS.COM', '[::1]', '', 'x'],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
        const endpoint = pieces.join('')
        if (!isGoogle(endpoint)) return
        const url = new URL(endpoint)
        expect(url.protocol).toBe('https:')
        expect(url.port).toBe('')
        expect(`.${url.hostname}`).toMatch(/\.googleapis\.com$/)
        expect(url.username).toBe('')
      }),
      { numRuns: 5_000 },
    )
  })

  test('a stand-in for Dataproc that speaks TLS gets no credentials either', async () => {
    const config: GoogleConfig = {
      project: 'p',
      region: 'us-central1',
      dataprocEndpoint: 'dataproc.example:443',
    }
    const clients = createGoogleClients(config)
    const auth = Reflect.get(clients.clusters, 'auth') as {
      getCredentials(): Promise<{ client_email?: string }>
    }
    expect(await auth.getCredentials()).toMatchObject({ client_email: 'stand-in' })
    await clients.close()
    for (const create of [createStorage, createBigQuery]) {
      const endpoint = 'https://storage.example'
      const client = create({ ...config, storageEndpoint: endpoint, bigqueryEndpoint: endpoint })
      const { token } = await client.authClient.getAccessToken().then((value) => ({ token: value }))
      expect(token).toBe('stand-in')
    }
  })
})

describe('finding 16: a key or a token goes where its owner named, by https', () => {
  const folder = mkdtempSync(join(tmpdir(), 'credentials-'))
  let key: string
  let honest: Server
  let thief: Server
  const stolen: string[] = []
  const url = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  beforeAll(async () => {
    key = await exportPKCS8((await generateKeyPair('RS256', { extractable: true })).privateKey)
    thief = await serve(async (request) => {
      stolen.push(`${request.headers.authorization ?? ''}${await text(request)}`)
      return { status: 200, body: { id_token: 'x', access_token: 'x', runs: [] } }
    })
    honest = await serve(async () => ({ status: 307, location: url(thief) }))
  })
  afterAll(() => {
    honest?.close()
    thief?.close()
    rmSync(folder, { recursive: true })
  })

  const keyFile = (change: object): string => {
    const file = join(folder, 'key.json')
    const content = { type: 'service_account', client_email: 'a@p.iam.gserviceaccount.com', private_key: key }
    writeFileSync(file, JSON.stringify({ ...content, ...change }))
    return file
  }
  const list = (gatewayUrl: string, file: string) =>
    runCli(['list', '--url', gatewayUrl, '--iap-client-id', 'x'], { GOOGLE_APPLICATION_CREDENTIALS: file })

  test.each([
    'http://gateway.example',
    'http://127.0.0.1.evil.example/',
    'http://10.1.2.3',
    'https://a:b@host/',
  ])('the command line sends its token to no gateway at %s', (gatewayUrl) => {
    expect(() => gatewayOf({ url: gatewayUrl, iapClientId: 'x' })).toThrow(
      /^--url (is neither https|holds a user name).*your token is not sent there/,
    )
  })

  test.each([
    { token_uri: 'http://oauth2.googleapis.com/token' },
    { token_uri: 'http://token.example/' },
    { token_uri: 'https://user@token.example/' },
    { type: 'external_account', token_url: 'http://sts.googleapis.com/v1/token' },
    { type: 'external_account', service_account_impersonation_url: 'http://iamcredentials.googleapis.com/' },
    { type: 'external_account', credential_source: { url: 'http://idp.example/token' } },
    { type: 'impersonated_service_account', source_credentials: { token_uri: 'http://token.example/' } },
  ])('nobody uses credentials that would travel in plain text: %j', (change) => {
    const env = { ...worker, GOOGLE_APPLICATION_CREDENTIALS: keyFile(change) }
    expect(() => loadWorkerConfig(env)).toThrow(/GOOGLE_APPLICATION_CREDENTIALS .* names .*which/)
  })

  const impersonation = 'v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken'
  test.each([
    { token_uri: 'https://token.example/' },
    { token_uri: ['https://token.example/'] },
    { token_uri: ' ht\ntps://token.example/' },
    { token_uri: 'https:token.example' },
    { token_uri: 'https://oauth2.googleapis.com@token.example/token' },
    { token_uri: 'https://oauth2.googleapis.com\\@token.example/token' },
    { token_uri: 'http://169.254.169.254/token' },
    { token_uri: 'http://metadata.google.internal/' },
    { type: 'external_account', token_url: 'https://sts.googleapis.com.token.example/v1/token' },
    { type: 'external_account', tokenUrl: 'https://token.example/' },
    { type: 'external_account', service_account_impersonation_url: `https://token.example/${impersonation}` },
    { type: 'external_account', cloud_resource_manager_url: 'https://token.example/' },
    { type: 'external_account', token_info_url: 'https://token.example/' },
    { type: 'external_account', universeDomain: 'evil.example' },
    { type: 'external_account_authorized_user', revoke_url: 'https://token.example/' },
    { type: 'impersonated_service_account', endpoint: 'https://token.example' },
    { type: 'impersonated_service_account', source_credentials: { token_uri: 'https://token.example/' } },
    { type: 'impersonated_service_account', source_credentials: { universe_domain: 'evil.example' } },
    { universe_domain: 'evil.example' },
    { universe_domain: ['evil.example'] },
    { universe_domain: '' },
    { type: 'external_account', credential_source: { universe_domain: 'evil.example' } },
  ])('finding 16: nobody uses credentials that would go to others than Google: %j', (change) => {
    const env = { ...worker, GOOGLE_APPLICATION_CREDENTIALS: keyFile(change) }
    expect(() => loadWorkerConfig(env)).toThrow(/GOOGLE_APPLICATION_CREDENTIALS .* names .*which is n/s)
  })

  test.each([
    {
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: 'https://oauth2.googleapis.com/token',
      client_x509_cert_url: 'https://www.googleapis.com/robot/v1/metadata/x509/a%40p.iam.gserviceaccount.com',
      universe_domain: 'googleapis.com',
    },
    {
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/own',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: 'https://sts.us-central1.rep.googleapis.com/v1/token',
      service_account_impersonation_url: `https://iamcredentials.googleapis.com/${impersonation}`,
      credential_source: { url: 'https://idp.example/token', headers: { Metadata: 'True' } },
    },
    { token_uri: 'http://127.0.0.1:9/token' },
  ])('finding 16: what Google writes, and a stand-in on this machine, is taken: %j', (change) => {
    const env = { ...worker, GOOGLE_APPLICATION_CREDENTIALS: keyFile(change) }
    expect(() => loadWorkerConfig(env)).not.toThrow()
  })

  test('nor does the command line', async () => {
    const { code, stderr } = await list(url(thief), keyFile({ token_uri: 'http://token.example/' }))
    expect(stderr).toMatch(
      /names token_uri http:\/\/token\.example\/, which is neither https on a host below googleapis\.com/,
    )
    expect(code).toBe(3)
    expect(stolen).toEqual([])
  })

  test('a token endpoint of another cloud’s own machine is no reason to refuse a file', () => {
    const credential_source = {
      environment_id: 'aws1',
      region_url: 'http://169.254.169.254/latest/meta-data/placement/availability-zone',
      regional_cred_verification_url: 'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity',
    }
    const file = keyFile({
      type: 'external_account',
      token_url: 'https://sts.googleapis.com/v1/token',
      credential_source,
    })
    expect(() => loadWorkerConfig({ ...worker, GOOGLE_APPLICATION_CREDENTIALS: file })).not.toThrow()
  })

  test('a token endpoint that redirects takes no key along', async () => {
    const { code } = await list(url(thief), keyFile({ token_uri: `${url(honest)}/token` }))
    expect(code).not.toBe(0)
    expect(stolen).toEqual([])
  })

  test('an API key of Temporal’s is not sent in plain text in a header either', () => {
    const env = { ...worker, TEMPORAL_GRPC_META_AUTHORIZATION: 'Bearer secret' }
    expect(() => loadWorkerConfig(env)).toThrow('would be sent in plain text')
  })

  test.each(['temporal:7233', 'temporal.example:7233', '10.0.0.5:7233', 'dns:127.0.0.1:7233', '[::2]:7233'])(
    'finding 16: no header goes to %s in plain text, whatever its name',
    (address) => {
      const env = { ...worker, TEMPORAL_ADDRESS: address, TEMPORAL_GRPC_META_X_API_KEY: 'secret' }
      const complaint = /TEMPORAL_GRPC_META_X_API_KEY would be sent in plain text to (?!.*secret)/
      expect(() => loadWorkerConfig(env)).toThrow(complaint)
      expect(() => loadWorkerConfig({ ...env, TEMPORAL_TLS: 'true' })).not.toThrow()
    },
  )

  test('finding 16: to this machine a header may', () => {
    for (const address of ['127.0.0.1:7233', 'localhost:7233', '[::1]:7233']) {
      const env = { ...worker, TEMPORAL_ADDRESS: address, TEMPORAL_GRPC_META_X_TEAM: 'trips' }
      expect(loadWorkerConfig(env).temporal.metadata).toEqual({ 'x-team': 'trips' })
    }
  })
})

interface Answer {
  readonly status: number
  readonly location?: string
  readonly body?: object
}

async function serve(answer: (request: IncomingMessage) => Promise<Answer>): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { status, location, body } = await answer(request)
    response.writeHead(status, { 'content-type': 'application/json', ...(location && { location }) })
    response.end(JSON.stringify(body ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
