import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { workflowIdOf } from '../../workflows/contract.ts'
import { startTestGateway, type TestGateway } from '../gateway/support/gateway.ts'
import { handWorker } from '../gateway/support/hand-worker.ts'
import { until } from '../gateway/support/until.ts'
import { type Federation, startFederation } from './support/federation.ts'
import { runCli } from './support/run-cli.ts'

// The caller is a workload that Google's STS knows: the other tests use a service-account file.
let gateway: TestGateway
let federation: Federation
let env: Record<string, string>

beforeAll(async () => {
  gateway = await startTestGateway()
  federation = await startFederation(gateway.issuer)
  env = {
    GATEWAY_URL: await gateway.app.listen({ host: '127.0.0.1', port: 0 }),
    IAP_CLIENT_ID: 'test-client-id',
    GOOGLE_APPLICATION_CREDENTIALS: federation.credentialsFile,
  }
})
afterAll(async () => {
  await federation?.close()
  await gateway?.close()
})

const cli = (...args: string[]) => runCli(args, env)
const worker = () => handWorker(gateway.client, 'test-queue')

test('a federated workload gets its ID token with the federated token itself', async () => {
  const { code, stderr } = await cli('trigger', '--raw-path', 'exports/raw-1', '--run-id', 'one')
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(federation.calls()).toEqual([
    { path: '/v1/token', subjectToken: 'workload-token' },
    {
      path: '/v1/projects/-/serviceAccounts/caller@example.com:generateIdToken',
      authorization: 'Bearer federated-token',
      body: { audience: 'test-client-id', includeEmail: true },
    },
  ])
})

test('status shows a run, and its exit status tells a bad end', async () => {
  const running = await cli('status', 'one')
  expect(running.stdout).toMatch(/^one {2}running {2}/)
  expect(running.stdout).toMatch(/· claimBatch/)
  expect(running.code).toBe(0)
  await worker().fail({
    message: 'Seven of ten.',
    type: 'TooManyRejects',
    details: {
      step: 'runSparkJob',
      rawFilesAt: 'gs://raw-bucket/exports/failed-1/',
      clusters: [],
      notCleaned: [],
    },
  })
  const failed = await cli('status', 'one')
  expect(failed.stdout).toMatch(/TooManyRejects in runSparkJob: Seven of ten\./)
  expect(failed.stdout).toMatch(/the raw files are at gs:\/\/raw-bucket\/exports\/failed-1\//)
  expect(failed.code).toBe(1)
  expect(JSON.parse((await cli('status', 'one', '--json')).stdout)).toMatchObject({ status: 'failed' })
})

test('retry begins the run anew, and --wait follows it', async () => {
  const waiting = cli('retry', 'one', '--wait')
  await worker().complete({
    rowsLoaded: 3,
    outputTable: 'p.d.t',
    rowsRejected: 0,
    filesArchived: 2,
    clusterSeconds: 90,
    waitingSeconds: 1.25,
    receiptUri: 'gs://processed-bucket/exports/processed_date=2019-03-01/raw-1.receipts/one.json',
    processedPath: 'gs://processed-bucket/exports/processed_date=2019-03-01/raw-1/',
  })
  const { code, stdout } = await waiting
  expect(stdout).toMatch(/^Run one begins anew: http/)
  expect(stdout).toMatch(/3 rows in p\.d\.t, 0 rejected/)
  expect(stdout).toMatch(/90\.0 cluster seconds, 1\.3 of them without a job/)
  expect(stdout).toMatch(/receipt: gs:\/\/processed-bucket\/.*\/raw-1\.receipts\/one\.json/)
  expect(stdout).toMatch(/2 files moved to gs:\/\/processed-bucket/)
  expect(code).toBe(0)
  const again = await cli('retry', 'one')
  expect(again.stderr).toMatch(/has succeeded/)
  expect(again.code).toBe(2)
})

test('cancel asks a run to end, and watch sees it end', async () => {
  await cli('trigger', '--raw-path', 'exports/raw-2', '--run-id', 'two')
  expect((await cli('cancel', 'two')).stdout).toMatch(/^Run two was asked to end: http/)
  const watching = cli('watch', 'two')
  await worker().cancel()
  const { code, stdout } = await watching
  expect(stdout).toMatch(/Cancelled: The run was cancelled\./)
  expect(code).toBe(1)
  expect((await cli('cancel', 'two')).code).toBe(2)
})

test('watch gives up after its time, and says that the run goes on', async () => {
  await cli('trigger', '--raw-path', 'exports/raw-3', '--run-id', 'three')
  const { code, stderr } = await cli('watch', 'three', '--timeout', '0.01')
  expect(stderr).toMatch(/It goes on; look again with: average-speed watch three/)
  expect(code).toBe(4)
  await gateway.client.workflow.getHandle(workflowIdOf('three')).terminate()
})

test('list shows runs in a table, filtered, page after page', async () => {
  await until(async () => (await cli('list', '--limit', '3')).stdout.includes('three'))
  const { code, stdout } = await cli('list', '--limit', '150')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^run +state +begun/)
  expect(stdout).toMatch(/one +succeeded +\d{4}-/)
  expect((await cli('list', '--status', 'running')).stdout).toBe('There are no such runs.\n')
  const lines = (await cli('list', '--status', 'cancelled', '--json')).stdout.trim().split('\n')
  expect(lines.map((line) => JSON.parse(line).run_id)).toEqual(['two'])
})

test('a run that is not there is a mistake of the command', async () => {
  const { code, stderr } = await cli('status', 'nowhere')
  expect(stderr).toBe('There is no run "nowhere".\n')
  expect(code).toBe(2)
})
