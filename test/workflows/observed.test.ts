import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Context } from '@temporalio/activity'
import { fails, type Harness, type Outcome, RAW_PATH, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

/** Sums of what was recorded, by name and labels without those that the SDK adds. */
function recorded({ metrics }: Outcome): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { metric, value, attributes } of metrics) {
    const ours = Object.entries(attributes)
      .filter(([name]) => ['end_state', 'failure_type', 'step', 'state', 'deleted', 'outcome'].includes(name))
      .map(([name, label]) => `${name}=${label}`)
      .sort()
    const key = `${metric.name}{${ours.join(',')}}`
    sums[key] = (sums[key] ?? 0) + value
  }
  return sums
}

/** Asks for the end of its own run, and goes on until it is told. */
async function cancelOwnRun(): Promise<never> {
  const context = Context.current()
  await harness.env.client.workflow.getHandle(context.info.workflowExecution?.workflowId ?? '').cancel()
  for (;;) {
    context.heartbeat()
    await context.sleep(50)
  }
}

const TIMES = {
  runningAt: '2026-01-01T00:00:00.000Z',
  jobAcceptedAt: '2026-01-01T00:00:02.000Z',
  jobEndedAt: '2026-01-01T00:01:00.000Z',
  deleteRequestedAt: '2026-01-01T00:01:00.500Z',
}

describe('a run that succeeds', () => {
  let run: Outcome
  beforeAll(async () => {
    run = await harness.run({
      deleteClusterIfPresent: async () => TIMES,
      runSparkJob: async () => 'gs://staging/jobs/j/',
    })
    expect(run.status).toBe('COMPLETED')
  })

  test('has a page in the Web UI with its steps, its numbers, and links to all that it touched', () => {
    for (const { name, startedAt, detail } of run.progress.steps) {
      expect(run.details).toContain(`| ${name} | done | ${startedAt} | `)
      if (detail !== undefined) expect(run.details).toContain(`| \`${detail}\` |`)
    }
    expect(run.details).toContain('10 rows read, 9 written, 1 rejected')
    expect(run.details).toContain('9 rows loaded')
    expect(run.details).toMatch(/cluster seconds, 2\.5 of them without a job/)
    const { clusterName, sparkJobId } = run.progress
    for (const address of [
      `dataproc/clusters/${clusterName}/monitoring?region=us-central1&project=some-project`,
      `dataproc/jobs/${sparkJobId}?region=us-central1&project=some-project`,
      'storage/browser/staging/jobs/j?project=some-project',
      'bigquery?project=some-project&j=bq%3AUS%3Aload_0&page=queryresults',
      'bigquery?project=some-project&p=some-project&d=ComposerDemo&t=trips&page=table',
      'storage/browser/raw-bucket/exports/raw-2019-03-01T000000?project=some-project',
      'storage/browser/processed-bucket/exports?project=some-project',
      'storage/browser/_details/processed-bucket/',
    ]) {
      expect(run.details).toContain(`](https://console.cloud.google.com/${address}`)
    }
  })

  test('has a line beside each activity that says what it is for', () => {
    expect(run.summaries).toMatchObject({
      createCluster: `\`Create the cluster ${run.progress.clusterName}\``,
      runSparkJob: `\`Run ${run.progress.sparkJobId} on 3 files, 1000 bytes\``,
      loadTable: '`Load 9 rows into some-project.ComposerDemo.trips`',
      archiveRawFiles: '`Archive 3 files`',
    })
    const scheduled = new Set(run.names.filter((name) => name !== 'prepareRun'))
    expect(new Set(Object.keys(run.summaries))).toEqual(scheduled)
  })

  test('counts itself, its rows, its clusters and its steps, and logs no error', () => {
    const sums = recorded(run)
    expect(sums).toMatchObject({
      'average_speed_runs{end_state=completed,failure_type=none}': 1,
      'average_speed_rows{outcome=loaded}': 9,
      'average_speed_rows{outcome=rejected}': 1,
      'average_speed_waiting_seconds{}': 2.5,
      'average_speed_cluster_seconds{deleted=true}': expect.any(Number),
    })
    for (const { name } of run.progress.steps)
      expect(sums).toHaveProperty([`average_speed_step_seconds{state=done,step=${name}}`])
    expect(run.errors).toEqual([])
  })
})

describe('a run that does not', () => {
  test('fails: its page says why and where the files are, one line is logged, and it is counted by its type', async () => {
    const run = await harness.run({
      loadTable: fails('SchemaMismatch', 'the schema <b>does not</b> fit\nat [all](http://x)'),
      deleteTemporaryFiles: fails('PermissionDenied', 'no permission to delete'),
    })
    expect(run.details).toContain(
      '**SchemaMismatch** in loadTable:\n\n```text\nthe schema <b>does not</b> fit\nat [all](http://x)\n```\n',
    )
    expect(run.details).toContain(`The raw files are at [\`${RAW_PATH}\`](https://console.cloud.google.com/`)
    expect(run.details).toContain('**Not cleaned up:**')
    expect(run.details).toContain('no permission to delete')
    expect(run.details).toMatch(/\| loadTable \| failed \|/)
    expect(run.details).toMatch(/\| cleanUp \| done \|/)
    expect(recorded(run)).toMatchObject({
      'average_speed_runs{end_state=failed,failure_type=SchemaMismatch}': 1,
    })
    expect(recorded(run)).not.toHaveProperty(['average_speed_rows{outcome=loaded}'])
    expect(run.errors.map(({ message, meta }) => ({ message, ...meta }))).toEqual([
      expect.objectContaining({
        message: 'the run failed',
        failureType: 'SchemaMismatch',
        step: 'loadTable',
        failureMessage: expect.stringContaining('does not'),
        rawFilesAt: RAW_PATH,
        workflowId: expect.any(String),
        runId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      }),
    ])
  })

  test('has bad data: its page says that the files are in the failed path', async () => {
    const run = await harness.run({ verifyOutput: fails('TooManyRejects', 'all are bad') })
    expect(run.details).toContain(
      'The raw files are at [`gs://raw-bucket/exports/failed-2019-03-01T000000/`](',
    )
  })

  test('was cancelled: is counted as that, and is no error', async () => {
    const run = await harness.run({
      runSparkJob: cancelOwnRun,
    })
    expect(run.status).toBe('CANCELLED')
    expect(run.details).toContain('The run was cancelled.')
    expect(recorded(run)).toMatchObject({ 'average_speed_runs{end_state=cancelled,failure_type=none}': 1 })
    expect(run.errors).toEqual([])
  })

  test('cannot delete its cluster: one line names the cluster when its teardown is stuck', async () => {
    const run = await harness.run({ deleteClusterIfPresent: fails('Unavailable', 'no answer') })
    expect(run.errors.map(({ message, meta }) => ({ message, ...meta }))).toEqual([
      expect.objectContaining({
        message: 'a teardown is stuck',
        clusterName: run.progress.clusterName,
        failureMessage: 'no answer',
      }),
    ])
    expect(recorded(run)).toHaveProperty(['average_speed_cluster_seconds{deleted=false}'])
    expect(run.details).toContain('no answer')
  })
})
