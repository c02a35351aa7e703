import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectTemporal, type GoogleClients, lazyTemporalClient } from '../../src/clients.ts'
import { loadWorkerConfig } from '../../src/config.ts'
import { explainTemporalFailure } from '../../src/temporal-failure.ts'
import { WORKFLOW_TYPE, workflowIdOf } from '../../workflows/contract.ts'
import { GOOD_ROWS, putBatch } from '../support/batches.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { googleClientsOf } from '../support/clients.ts'
import { Control } from '../support/control.ts'
import { startCloud, type TestCloud } from '../support/local-cloud.ts'
import { startTemporalFront, type TemporalFront } from '../support/temporal-front.ts'
import { startWorker } from '../support/worker-process.ts'

type Variables = Readonly<Record<string, string>>

let cloud: TestCloud
let google: GoogleClients
let pems: Certificates
let folder: string
let mutual: TemporalFront
let keyed: TemporalFront
let forMutual: Variables
let forKeyed: Variables

beforeAll(async () => {
  pems = await makeCertificates()
  folder = await mkdtemp(join(tmpdir(), 'temporal-elsewhere-'))
  const put = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content)
    return join(folder, name)
  }
  cloud = await startCloud({ services: ['storage', 'identity', 'temporal', 'dataproc', 'bigquery'] })
  google = googleClientsOf(cloud)
  await new Control(cloud.get('DATAPROC_CONTROL_URL')).put('/settings', { jobMode: 'stub', bootMs: 30 })
  const upstream = cloud.get('TEMPORAL_ADDRESS')
  const server = pems.server
  mutual = await startTemporalFront({ upstream, server, clientAuthority: pems.authority.certificate })
  keyed = await startTemporalFront({ upstream, server, apiKey: 'right', namespace: 'default' })
  const trust = {
    TEMPORAL_TLS: 'true',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: await put('authority.pem', pems.authority.certificate),
    TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
  }
  forMutual = {
    ...trust,
    TEMPORAL_ADDRESS: mutual.address,
    TEMPORAL_TLS_CLIENT_CERT_PATH: await put('client.pem', pems.client.certificate),
    TEMPORAL_TLS_CLIENT_KEY_PATH: await put('client.key', pems.client.key),
  }
  forKeyed = { ...trust, TEMPORAL_ADDRESS: keyed.address, TEMPORAL_API_KEY: 'right' }
})

afterAll(async () => {
  await Promise.all([mutual?.close(), keyed?.close(), google?.close()])
  await Promise.all([cloud?.close(), rm(folder, { recursive: true, force: true })])
})

const accessOf = (variables: Variables) =>
  loadWorkerConfig({ ...cloud.env, TEMPORAL_NAMESPACE: 'default', ...variables }).temporal

/** Starts a run as the gateway does, with a worker that has nothing but these variables, and waits for its rows. */
async function rowsOfRunBy(variables: Variables): Promise<number> {
  const worker = await startWorker(cloud, variables)
  const client = lazyTemporalClient(accessOf(variables))
  try {
    const { input } = await putBatch({ cloud, google })
    const result = await client.workflow.execute(WORKFLOW_TYPE, {
      workflowId: workflowIdOf(`elsewhere-${variables['TEMPORAL_ADDRESS']}`),
      taskQueue: 'average-speed',
      args: [input],
    })
    return (result as { readonly rowsLoaded: number }).rowsLoaded
  } finally {
    await client.connection.close()
    await worker.stop()
  }
}

describe('a Temporal that is not on this machine', () => {
  test('mutual TLS: worker and client run a batch to its end', async () => {
    expect(await rowsOfRunBy(forMutual)).toBe(GOOD_ROWS)
    expect(mutual.calls.length).toBeGreaterThan(10)
  })

  test('API key: worker and client run a batch to its end, and each call carries the key', async () => {
    expect(await rowsOfRunBy(forKeyed)).toBe(GOOD_ROWS)
    const paths = keyed.calls.map((headers) => String(headers[':path']).split('/').at(-1))
    // The client's calls and the worker's own.
    for (const call of ['StartWorkflowExecution', 'PollWorkflowTaskQueue', 'RespondActivityTaskCompleted']) {
      expect(paths).toContain(call)
    }
    for (const headers of keyed.calls) expect(headers['authorization']).toBe('Bearer right')
    const polls = keyed.calls.filter((headers) => headers[':path']?.endsWith('/PollWorkflowTaskQueue'))
    for (const headers of polls) expect(headers['temporal-namespace']).toBe('default')
  })

  test.each<[string, () => Variables, RegExp]>([
    [
      'a server of an unknown authority',
      () => ({ ...forMutual, TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' }),
      /Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authority/,
    ],
    [
      'a server of another name',
      () => ({ ...forMutual, TEMPORAL_TLS_SERVER_NAME: 'other.test' }),
      /Set TEMPORAL_TLS_SERVER_NAME to a name in the server's certificate/,
    ],
    [
      "a stranger's certificate",
      () => ({
        ...forMutual,
        TEMPORAL_TLS_CLIENT_CERT_PATH: '',
        TEMPORAL_TLS_CLIENT_KEY_PATH: '',
        TEMPORAL_TLS_CLIENT_CERT_DATA: pems.stranger.certificate,
        TEMPORAL_TLS_CLIENT_KEY_DATA: pems.stranger.key,
      }),
      /check TEMPORAL_TLS_CLIENT_CERT_PATH/,
    ],
    [
      'no certificate',
      () => ({ ...forMutual, TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' }),
      /check TEMPORAL_TLS_CLIENT_CERT_PATH/,
    ],
    ['plain text', () => ({ TEMPORAL_ADDRESS: keyed.address }), /it speaks TLS. Set TEMPORAL_TLS to true/],
    [
      'TLS to a server without',
      () => ({ TEMPORAL_ADDRESS: cloud.get('TEMPORAL_ADDRESS'), TEMPORAL_TLS: 'true' }),
      /Check TEMPORAL_ADDRESS|check TEMPORAL_ADDRESS/,
    ],
    ['nobody there', () => ({ TEMPORAL_ADDRESS: '127.0.0.1:1' }), /ECONNREFUSED.*Check TEMPORAL_ADDRESS/],
  ])('%s: the reason is said, and what to do', async (_what, variables, sentence) => {
    const access = accessOf(variables())
    const { message } = await explainTemporalFailure(access, new Error('Failed to connect in time'))
    expect(message).toMatch(sentence)
    expect(message).toContain(access.address)
  })

  test.each<[string, Variables, RegExp]>([
    ['a wrong key', { TEMPORAL_API_KEY: 'wrong' }, /unauthenticated.*Check TEMPORAL_API_KEY/],
    ['no key', { TEMPORAL_API_KEY: '', TEMPORAL_TLS: 'true' }, /wants TEMPORAL_API_KEY/],
  ])('%s: the refusal is said', async (_what, variables, sentence) => {
    const access = accessOf({ ...forKeyed, ...variables })
    const refusal = await connectTemporal(access).catch((error: unknown) => error)
    const { message } = await explainTemporalFailure(access, refusal)
    expect(message).toMatch(sentence)
    expect(message).not.toContain('wrong')
  })

  test('a worker without permission for its namespace ends with one sentence', async () => {
    const { code, said } = await runWorker({ ...forKeyed, TEMPORAL_NAMESPACE: 'foreign' })
    expect(code).toBe(1)
    expect(said).toMatch(
      /^Temporal at \S+ refused this client: Request unauthorized. Check TEMPORAL_API_KEY, and that it may use the namespace foreign.\n$/,
    )
  })
})

/** Runs a worker that is to end by itself. */
async function runWorker(variables: Variables): Promise<{ readonly code: number; readonly said: string }> {
  const root = join(import.meta.dirname, '..', '..')
  const env = { ...process.env, NODE_OPTIONS: '', ...cloud.env, ...variables }
  return new Promise((resolve) => {
    execFile(
      join(root, 'node_modules', '.bin', 'node'),
      [join(root, 'src', 'worker', 'main.ts')],
      { env },
      (error, _stdout, stderr) => resolve({ code: Number(error?.code ?? 0), said: stderr }),
    )
  })
}
