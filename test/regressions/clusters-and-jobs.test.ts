import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Attempt } from '../../workflows/run-types.ts'
import { type DataprocBench, startDataprocBench } from '../activities/dataproc-bench.ts'
import { DEADLINES } from '../support/activities.ts'
import { contents, putObject } from '../support/objects.ts'
import { until } from '../support/until.ts'

/** The faults of the system that this one replaces, each of which must not come back; those of clusters, jobs and files. */

let bench: DataprocBench
beforeAll(async () => {
  bench = await startDataprocBench()
})
beforeEach(() => bench.reset())
afterAll(() => bench?.close())

const runJob = async (attempt = bench.attempt()) => {
  const cluster = await bench.create(attempt)
  await bench.bench.call('runSparkJob', [bench.plan, bench.batch, attempt, cluster])
}

/** Waits until the attempt's job is running. */
const untilRunning = ({ sparkJobId }: Attempt) =>
  until('the job is running', async () =>
    (await bench.ledger()).jobs.some(({ id, state }) => id === sparkJobId && state === 'RUNNING'),
  )

test('fault 1: files under a path that a shell would read as a command are described and archived like any other', async () => {
  const plan = bench.bench.plan({ rawPath: 'a; rm -rf "$HOME" $(id)/raw-1 && reboot' })
  await putObject(bench.google.storage, `${plan.rawPath}$(id).json`, 'one')
  await bench.bench.call('describeRawFiles', [plan])
  const { processedPath } = await bench.bench.call('archiveRawFiles', [plan])
  expect(await contents(bench.google.storage, processedPath)).toEqual({ '$(id).json': 'one' })
})

test('fault 5: the end of one run does not touch the cluster and the job of another', async () => {
  const [one, two] = [bench.attempt(), bench.attempt()]
  const [first, second] = [await bench.create(one), await bench.create(two)]
  expect(first.name).not.toBe(second.name)
  await bench.remove(one, first.uuid)
  await bench.bench.call('runSparkJob', [bench.plan, bench.batch, two, second])
})

test('fault 6: a POST of a batch that is being processed, under another run id, starts no second run of it', async () => {
  const plan = bench.bench.plan({ rawPath: 'repeated/raw-1' })
  bench.bench.open.add('average-speed/first')
  await bench.bench.call('claimBatch', [plan], { workflowId: 'average-speed/first' })
  await expect(
    bench.bench.call('claimBatch', [plan], { workflowId: 'average-speed/second' }),
  ).rejects.toMatchObject({
    type: 'BatchInProgress',
  })
})

test('fault 7: a CANCELLED job is a failure', async () => {
  await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000 })
  const attempt = bench.attempt()
  const outcome = expect(runJob(attempt)).rejects.toMatchObject({ type: 'SparkJobCancelled' })
  await untilRunning(attempt)
  await bench.dataproc.post(`/jobs/${attempt.sparkJobId}/cancel-outside`, {})
  await outcome
})

test('fault 8: a submission that is tried again watches the first job, and starts no second one', async () => {
  const attempt = bench.attempt()
  await bench.dataproc.addFault({ on: 'SubmitJob', when: 'after', kind: 'drop' })
  await runJob(attempt)
  await runJob(attempt)
  expect((await bench.ledger()).jobs.filter(({ id }) => id === attempt.sparkJobId)).toHaveLength(1)
})

test('fault 9: a cluster in ERROR is removed, and does not stand in the way of the next attempt', async () => {
  await bench.dataproc.post('/cluster-faults', { kind: 'boot-failure' })
  const attempt = bench.attempt()
  await expect(bench.create(attempt)).rejects.toMatchObject({ type: 'ClusterCreationFailed' })
  expect(await bench.create(bench.attempt())).toMatchObject({ uuid: expect.any(String) })
  await bench.remove(attempt)
  expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'GONE' })])
})

describe('fault 10: the cluster of a run that was killed goes away by itself', () => {
  test('when it is idle', async () => {
    const attempt = bench.attempt()
    await bench.create(attempt)
    await bench.dataproc.post('/clock/advance', { ms: 31 * 60_000 })
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ deletedBy: 'idleDeleteTtl' })])
  })

  test('when its job never ends, but not before every deadline of the run has passed', async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 7 * 86_400_000 })
    const attempt = bench.attempt()
    const outcome = expect(runJob(attempt)).rejects.toMatchObject({ type: 'ClusterGone' })
    await untilRunning(attempt)
    await bench.dataproc.post('/clock/advance', { ms: DEADLINES.createCluster + DEADLINES.sparkJob })
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ state: 'RUNNING' })])
    await bench.dataproc.post('/clock/advance', { ms: DEADLINES.clusterLifetime })
    await outcome
    expect(await bench.ledgerOf(attempt)).toEqual([expect.objectContaining({ deletedBy: 'autoDelete' })])
  })
})

test('fault 11: the deletion of a cluster that does not exist succeeds', async () => {
  const attempt = bench.attempt()
  await bench.remove(attempt)
  await bench.remove(attempt, 'gone-long-since')
})

test.each([
  ['quota', 'QuotaExceeded'],
  ['stockout', 'Stockout'],
])('fault 12: a %s is named for what it is, so that the raw files stay', async (kind, type) => {
  await bench.dataproc.post('/cluster-faults', { kind, zone: 'us-central1-a' })
  await expect(bench.create(bench.attempt({ zone: 'us-central1-a' }))).rejects.toMatchObject({ type })
})

test('fault 13: an output without _SUCCESS is not loaded', async () => {
  const attempt = bench.attempt()
  await putObject(bench.google.storage, `${attempt.outputPath}part-00000`, 'half an output')
  const summary = { rows_read: 0, rows_written: 0, rows_rejected: 0, files_read: 0 }
  await putObject(bench.google.storage, `${attempt.outputPath}_summary.json`, JSON.stringify(summary))
  await expect(bench.bench.call('verifyOutput', [bench.plan, bench.batch, attempt])).rejects.toMatchObject({
    type: 'OutputGone',
    message: expect.stringContaining('_SUCCESS'),
  })
})
