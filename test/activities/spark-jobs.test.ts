import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { CancelledFailure } from '@temporalio/activity'
import { ActivityCancellationDetails } from '@temporalio/common'
import type { MockActivityEnvironment } from '@temporalio/testing'
import type { Attempt, ClusterRef } from '../../workflows/run-types.ts'
import { activityEnvironment } from '../support/activities.ts'
import { putObject } from '../support/objects.ts'
import { until } from '../support/until.ts'
import { type DataprocBench, startDataprocBench } from './dataproc-bench.ts'

let bench: DataprocBench
let attempt: Attempt
let cluster: ClusterRef
beforeAll(async () => {
  bench = await startDataprocBench()
})
beforeEach(async () => {
  await bench.reset()
  attempt = bench.attempt()
  cluster = await bench.create(attempt)
})
afterAll(() => bench?.close())

const run = (environment?: MockActivityEnvironment) =>
  bench.bench.call('runSparkJob', [bench.plan, bench.batch, attempt, cluster], {
    ...(environment && { environment }),
  })
const ledgerJobs = async () => (await bench.ledger()).jobs.filter(({ id }) => id === attempt.sparkJobId)
const state = async () => (await ledgerJobs())[0]?.state

/** Waits until the job is in a state. */
const reached = (wanted: string) => until(`the job is ${wanted}`, async () => (await state()) === wanted)

describe('runSparkJob', () => {
  test('ends when the job is done', async () => {
    await run()
    expect(await ledgerJobs()).toEqual([expect.objectContaining({ state: 'DONE' })])
  })

  test('P8: hands the script the paths of the attempt and the manifest', async () => {
    await run()
    const [job] = await bench.google.jobs.getJob({ ...bench.at, jobId: attempt.sparkJobId })
    expect(job.placement).toMatchObject({ clusterName: cluster.name, clusterUuid: cluster.uuid })
    expect(job.pysparkJob?.mainPythonFileUri).toBe(bench.bench.settings.spark.scriptUri)
    expect(job.pysparkJob?.args).toEqual([
      '--gcs_path_raw',
      bench.plan.rawPath,
      '--gcs_path_transformed',
      attempt.outputPath,
      '--gcs_path_rejected',
      attempt.rejectedPath,
      '--manifest',
      bench.batch.manifestUri,
    ])
  })

  test('P6: a lost reply to jobs.submit: the effect happens once', async () => {
    await bench.dataproc.addFault({ on: 'SubmitJob', when: 'after', kind: 'drop' })
    await run()
    expect(await ledgerJobs()).toEqual([expect.objectContaining({ state: 'DONE' })])
    expect((await bench.dataproc.calls())['SubmitJob']).toBe(2)
  })

  test('P6: a repeated try watches the job of the first, even if the service has forgotten the request', async () => {
    await run()
    // As a service answers that does not know the request any more, but the job's id.
    await bench.dataproc.addFault({ on: 'SubmitJob', kind: 'error', code: 'ALREADY_EXISTS' })
    await run()
    expect(await ledgerJobs()).toHaveLength(1)
  })

  test("a job in ERROR is SparkJobFailed, with the driver's last lines and what to do", async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 5 })
    await putObject(bench.google.storage, `${attempt.outputPath}part-00000`, 'in the way')
    await expect(run()).rejects.toMatchObject({
      type: 'SparkJobFailed',
      nonRetryable: true,
      message: expect.stringMatching(
        /retry the run.*Driver output: gs:.*driveroutput\*.*\n.*exists already/s,
      ),
    })
  })

  test('P6: a job that is cancelled from outside is SparkJobCancelled, never a success', async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000 })
    const outcome = expect(run()).rejects.toMatchObject({
      type: 'SparkJobCancelled',
      nonRetryable: true,
      message: expect.stringContaining('retry the run'),
    })
    await reached('RUNNING')
    await bench.dataproc.post(`/jobs/${attempt.sparkJobId}/cancel-outside`, {})
    await outcome
  })

  test.each([
    ['RawFileUnreadable', 'RawFileUnreadable'],
    ['RawFileMissing', 'RawFilesMissing'],
  ])("P12: what the script tells of the data's fault is the failure: %s is %s", async (kind, type) => {
    await bench.dataproc.post('/job-faults', { kind: 'error' })
    const message = 'gs://b/raw-1/a.json.gz: the compressed file is cut off. Export it again.'
    await putObject(
      bench.google.storage,
      `${attempt.outputPath}_failure.json`,
      JSON.stringify({ kind, message }),
    )
    await expect(run()).rejects.toMatchObject({ type, message, nonRetryable: true })
  })

  test.each(['vanish', 'fail'])('a cluster that is lost under the job (%s) is ClusterGone', async (how) => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000 })
    const outcome = expect(run()).rejects.toMatchObject({
      type: 'ClusterGone',
      nonRetryable: true,
      message: expect.stringContaining('Retry the run'),
    })
    await reached('RUNNING')
    await bench.dataproc.post(`/clusters/${cluster.name}/${how}`, {})
    await outcome
  })

  test('a cluster that is gone before the job is submitted is ClusterGone', async () => {
    await bench.dataproc.post(`/clusters/${cluster.name}/vanish`, {})
    await expect(run()).rejects.toMatchObject({ type: 'ClusterGone' })
  })

  test('P4: a cluster of the same name and another UUID is not ours to use', async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000 })
    cluster = { ...cluster, uuid: '00000000-0000-0000-0000-000000000000' }
    const outcome = expect(run()).rejects.toMatchObject({ type: 'ClusterGone' })
    await reached('RUNNING')
    await bench.dataproc.post(`/jobs/${attempt.sparkJobId}/fail`, {})
    await outcome
  })

  test('a job that Dataproc has lost is ClusterGone', async () => {
    await bench.dataproc.post('/job-faults', { kind: 'lost' })
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000 })
    await expect(run()).rejects.toMatchObject({ type: 'ClusterGone' })
  })
})

describe('P6: a run that is asked to cancel', () => {
  test('cancels its job, and has ended when the job has', async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000, cancelMs: 100 })
    const environment = activityEnvironment()
    const outcome = expect(run(environment)).rejects.toThrow(CancelledFailure)
    await reached('RUNNING')
    environment.cancel()
    await outcome
    expect(await state()).toBe('CANCELLED')
  })

  test('a lost reply to jobs.cancel: the job is cancelled once', async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000, cancelMs: 100 })
    await bench.dataproc.addFault({ on: 'CancelJob', when: 'after', kind: 'drop' })
    const environment = activityEnvironment()
    const outcome = expect(run(environment)).rejects.toThrow(CancelledFailure)
    await reached('RUNNING')
    environment.cancel()
    await outcome
    const [{ statusHistory }] = await bench.google.jobs.getJob({ ...bench.at, jobId: attempt.sparkJobId })
    expect(statusHistory?.filter(({ state: past }) => past === 'CANCEL_PENDING')).toHaveLength(1)
  })

  test('while the job is being set up, when it cannot be cancelled, cancels it as soon as it can be', async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 60_000, jobStartMs: 1_000 })
    const environment = activityEnvironment()
    const outcome = expect(run(environment)).rejects.toThrow(CancelledFailure)
    await reached('SETUP_DONE')
    environment.cancel()
    await outcome
    expect(await state()).toBe('CANCELLED')
  })

  test('and may not cancel its job has been cancelled all the same', async () => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 300 })
    await bench.dataproc.addFault({ on: 'CancelJob', kind: 'error', code: 'PERMISSION_DENIED' })
    const environment = activityEnvironment()
    const outcome = expect(run(environment)).rejects.toThrow(CancelledFailure)
    await reached('RUNNING')
    environment.cancel()
    await outcome
  })

  test('after the job has ended leaves it as it is', async () => {
    const environment = activityEnvironment()
    await run()
    environment.cancel()
    await Promise.allSettled([run(environment)])
    expect(await state()).toBe('DONE')
    expect((await bench.dataproc.calls())['CancelJob']).toBeUndefined()
  })
})

describe('P6: an activity that is only to stop leaves its job running', () => {
  test.each([
    ['the worker shuts down', 'WORKER_SHUTDOWN', { workerShutdown: true }],
    ['the activity timed out', 'TIMED_OUT', { timedOut: true }],
    ['the workflow was reset', 'NOT_FOUND', { notFound: true }],
    ['the activity is paused', 'PAUSED', { paused: true }],
    ['the activity was reset', 'RESET', { reset: true }],
  ] as const)('%s', async (_, reason, details) => {
    await bench.dataproc.put('/settings', { jobMode: 'stub', jobMs: 400 })
    const environment = activityEnvironment()
    const outcome = expect(run(environment)).rejects.toMatchObject(
      reason === 'WORKER_SHUTDOWN'
        ? { type: 'WorkerShutdown', nonRetryable: false }
        : { name: 'CancelledFailure' },
    )
    await reached('RUNNING')
    environment.cancel(reason, new ActivityCancellationDetails(details))
    await outcome
    expect(await state()).toBe('RUNNING')
    await run()
    expect(await ledgerJobs()).toEqual([expect.objectContaining({ state: 'DONE' })])
    expect((await bench.dataproc.calls())['CancelJob']).toBeUndefined()
  })
})
