import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Context } from '@temporalio/activity'
import type { Activities } from '../../activities/index.ts'
import type { RunReceipt, StepName } from '../../workflows/contract.ts'
import type { ClusterTimes } from '../../workflows/run-types.ts'
import { fails, type Harness, LOADED, type Outcome, RAW_PATH, startHarness } from './harness.ts'

let harness: Harness
beforeAll(async () => {
  harness = await startHarness()
})
afterAll(() => harness.close())

/** Whatever happened after the creation was asked for, these have run. */
function expectCleanedUp({ names, status }: Outcome): void {
  expect(names).toContain('deleteClusterIfPresent')
  expect(names).toContain('deleteTemporaryFiles')
  expect(names.slice(-2)).toEqual(
    status === 'COMPLETED' ? ['releaseBatch', 'writeReceipt'] : [expect.anything(), 'releaseBatch'],
  )
}

describe('a run that succeeds', () => {
  test('goes from description to archive, and reports what it did', async () => {
    const run = await harness.run({})
    expect(run.failure).toBeUndefined()
    expect(run.status).toBe('COMPLETED')
    expect(run.result).toMatchObject({
      rawPath: RAW_PATH,
      rowsRead: 10,
      rowsWritten: 9,
      rowsRejected: 1,
      rowsLoaded: 9,
      loadJobId: 'load_0',
      replacedBatch: 'gs://raw-bucket/exports/raw-before/',
      filesArchived: 3,
      loadedBefore: false,
      notCleaned: [],
      cancelledTooLate: false,
    })
    expect(run.result?.clusters).toEqual([expect.objectContaining({ deleted: true })])
    expectCleanedUp(run)
  })

  test('shows every step as done, with its times, in the memo', async () => {
    const { progress } = await harness.run({})
    expect(progress.steps.map(({ name, state }) => [name, state])).toEqual(
      [
        'claimBatch',
        'describeRawFiles',
        'queued',
        'createCluster',
        'runSparkJob',
        'deleteCluster',
        'loadTable',
        'archiveRawFiles',
        'cleanUp',
      ].map((name) => [name, 'done']),
    )
    for (const step of progress.steps)
      expect(Date.parse(step.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(step.startedAt ?? ''))
  })

  test('P5: asks for the cluster to be deleted before the load ends, and does not wait for it to begin the load', async () => {
    let deleted = (): void => undefined
    const deletion = new Promise<ClusterTimes>((resolve) => {
      deleted = () => resolve({})
    })
    const run = await harness.run({
      deleteClusterIfPresent: () => deletion,
      loadTable: async () => {
        deleted()
        return LOADED
      },
    })
    expect(run.status).toBe('COMPLETED')
    expect(run.names.indexOf('deleteClusterIfPresent')).toBeLessThan(run.names.indexOf('loadTable'))
  })

  test('P4: hands the teardown the UUID of the cluster that it created', async () => {
    const { calls } = await harness.run({})
    const created = calls.find(({ name }) => name === 'createCluster')?.args[0] as {
      readonly clusterName: string
      readonly key: string
    }
    const target = calls.find(({ name }) => name === 'deleteClusterIfPresent')?.args[0]
    expect(target).toMatchObject({ key: created.key, uuid: `uuid-of-${created.clusterName}` })
  })

  test('P9: an empty batch succeeds with no rows, is archived, and leaves the table alone', async () => {
    const run = await harness.run({
      verifyOutput: async () => ({
        parts: { files: 1, digest: '' },
        rowsRead: 0,
        rowsWritten: 0,
        rowsRejected: 0,
      }),
    })
    expect(run.result).toMatchObject({ rowsLoaded: 0, filesArchived: 3 })
    expect(run.names).not.toContain('loadTable')
    expect(run.names).not.toContain('claimTableIfFree')
    expect(run.progress.steps.find(({ name }) => name === 'loadTable')?.state).toBe('skipped')
  })

  test('row 2: notes that a batch is empty before it archives it', async () => {
    const run = await harness.run({
      verifyOutput: async () => ({
        parts: { files: 1, digest: '' },
        rowsRead: 0,
        rowsWritten: 0,
        rowsRejected: 0,
      }),
    })
    const order = ['verifyOutput', 'recordEmptyBatch', 'archiveRawFiles']
    expect(run.names.filter((name) => order.includes(name))).toEqual(order)
  })

  test('row 2: a batch that is known to be empty needs no cluster, and is only archived', async () => {
    const { jobId: _, ...none } = { ...LOADED, rows: 0 }
    const run = await harness.run({ findLoad: async () => ({ load: none, isUnderWay: false }) })
    expect(run.result).toMatchObject({ rowsLoaded: 0, loadedBefore: true, filesArchived: 3, clusters: [] })
    expect(run.result).not.toHaveProperty('loadJobId')
    expect(run.names).not.toContain('createCluster')
  })

  test('row 8, row 11: reports the table and the disposition that the batch was loaded with', async () => {
    const load = { ...LOADED, outputTable: 'p.d.earlier', writeDisposition: 'WRITE_APPEND' as const }
    const run = await harness.run({ findLoad: async () => ({ load, isUnderWay: false }) })
    expect(run.result).toMatchObject({ outputTable: 'p.d.earlier', writeDisposition: 'WRITE_APPEND' })
    expect(run.details).toContain('p.d.earlier')
  })

  test.each(['findLoad', 'awaitLoad'] as const)(
    'row 11: a batch that was loaded otherwise, as %s tells, costs no cluster',
    async (activity) => {
      const run = await harness.run({
        findLoad: async () => ({ isUnderWay: true }),
        [activity]: fails('LoadedOtherwise'),
      })
      expect(run.failure).toMatchObject({ type: 'LoadedOtherwise', details: { rawFilesAt: RAW_PATH } })
      expect(run.names).not.toContain('createCluster')
      expect(run.names).not.toContain('archiveRawFiles')
    },
  )

  test('P7: a batch that is loaded already needs no cluster, and is only archived', async () => {
    const run = await harness.run({
      findLoad: async () => ({ load: LOADED, isUnderWay: false }),
    })
    expect(run.result).toMatchObject({ rowsLoaded: 9, loadedBefore: true, filesArchived: 3, clusters: [] })
    expect(run.result).not.toHaveProperty('rowsRead')
    expect(run.names).not.toContain('createCluster')
    expect(run.names).not.toContain('loadTable')
  })

  test('P7: waits for a load of its batch that another run has asked for, and then only archives', async () => {
    const run = await harness.run({
      findLoad: async () => ({ isUnderWay: true }),
      awaitLoad: async () => LOADED,
    })
    expect(run.result).toMatchObject({ rowsLoaded: 9, loadedBefore: true, filesArchived: 3 })
    expect(run.names).not.toContain('createCluster')
  })

  test('P7: goes its whole way when the load that it has waited for fails', async () => {
    const run = await harness.run({ findLoad: async () => ({ isUnderWay: true }) })
    expect(run.result).toMatchObject({ rowsLoaded: 9, loadedBefore: false })
    expect(run.names).toContain('awaitLoad')
  })

  test('P7: waits for a table that another run has, before it loads', async () => {
    const run = await harness.run({ claimTableIfFree: async () => false })
    expect(run.status).toBe('COMPLETED')
    const { names } = run
    expect(names.indexOf('claimTable')).toBeGreaterThan(names.indexOf('claimTableIfFree'))
    expect(names.indexOf('loadTable')).toBeGreaterThan(names.indexOf('claimTable'))
  })

  test('deletes its temporary files while it archives, and frees the table with the load', async () => {
    const { promise: deleted, resolve: reportDeleted } = Promise.withResolvers<void>()
    const run = await harness.run({
      archiveRawFiles: async () => {
        await deleted
        return { processedPath: 'gs://processed-bucket/exports/', files: 3, bytes: 1000, filesLeftInPlace: 0 }
      },
      deleteTemporaryFiles: async () => reportDeleted(),
    })
    expect(run.status).toBe('COMPLETED')
    expect(run.names).not.toContain('releaseTable')
  })

  test('P9: leaves a receipt that agrees with its result, after everything else', async () => {
    const run = await harness.run({
      deleteClusterIfPresent: async () => ({
        runningAt: '2026-01-01T00:00:00.000Z',
        jobAcceptedAt: '2026-01-01T00:00:02.000Z',
        jobEndedAt: '2026-01-01T00:01:00.000Z',
        deleteRequestedAt: '2026-01-01T00:01:00.500Z',
      }),
      deleteTemporaryFiles: fails('PermissionDenied', 'no permission to delete'),
    })
    const receipt = run.calls.find(({ name }) => name === 'writeReceipt')?.args[1] as RunReceipt
    const { receiptUri, ...result } = run.result ?? {}
    expect(receiptUri).toMatch(/^gs:\/\/processed-bucket\/exports\//)
    expect(receipt).toMatchObject(result)
    expect(receipt).toMatchObject({ receiptVersion: 1, runId: receipt.workflowId, attempt: 1 })
    expect(receipt.notCleaned).toEqual([expect.stringContaining('no permission to delete')])
    expect(receipt.clusters).toEqual([expect.objectContaining({ deleted: true, waitingSeconds: 2.5 })])
    expect(receipt.waitingSeconds).toBe(2.5)
    expect(receipt.clusterSeconds).toBe(receipt.clusters[0]?.seconds)
  })

  test('P11: that cannot write its receipt still succeeds, and says so', async () => {
    const run = await harness.run({ writeReceipt: fails('PermissionDenied', 'no permission to write') })
    expect(run.status).toBe('COMPLETED')
    expect(run.result?.receiptUri).toBeUndefined()
    expect(run.result?.notCleaned).toEqual(['The receipt was not written: no permission to write'])
    expect(run.progress.notCleaned).toEqual(run.result?.notCleaned)
  })

  test('WRITE_APPEND loads without waiting for other batches of the table', async () => {
    const run = await harness.run({}, { input: { rawPath: RAW_PATH, writeDisposition: 'WRITE_APPEND' } })
    expect(run.status).toBe('COMPLETED')
    expect(run.names).not.toContain('claimTableIfFree')
  })
})

describe('a step that fails', () => {
  const steps: readonly (readonly [keyof Activities, StepName])[] = [
    ['createCluster', 'createCluster'],
    ['runSparkJob', 'runSparkJob'],
    ['verifyOutput', 'runSparkJob'],
    ['claimTableIfFree', 'loadTable'],
    ['loadTable', 'loadTable'],
    ['archiveRawFiles', 'archiveRawFiles'],
  ]
  test.each(steps)(
    '%s: the run reports that very failure, after teardown and cleanup',
    async (activity, step) => {
      const run = await harness.run({ [activity]: fails('PermissionDenied', `no permission to ${activity}`) })
      expect(run.failure).toMatchObject({
        type: 'PermissionDenied',
        message: `no permission to ${activity}`,
        details: { step, rawFilesAt: RAW_PATH },
      })
      expectCleanedUp(run)
      expect(run.names).not.toContain('moveRawFilesToFailed')
    },
  )

  test.each(['claimBatch', 'describeRawFiles', 'findLoad'] as const)(
    '%s: no cluster is asked for',
    async (activity) => {
      const run = await harness.run({ [activity]: fails('Unavailable') })
      expect(run.failure?.type).toBe('Unavailable')
      expect(run.names).not.toContain('createCluster')
      expect(run.names.at(-1)).toBe('releaseBatch')
    },
  )

  test('prepareRun: an input that is wrong ends the run by name before anything is done', async () => {
    const run = await harness.run({}, { input: { rawPath: 'gs://raw-bucket/exports/2019/' } })
    expect(run.failure).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringContaining('raw-<timestamp>'),
    })
    expect(run.names).toEqual(['prepareRun'])
  })

  test('P11: a cleanup that fails does not hide the first failure, and is named in its details', async () => {
    const run = await harness.run({
      loadTable: fails('SchemaMismatch', 'the schema does not fit'),
      deleteTemporaryFiles: fails('PermissionDenied', 'no permission to delete'),
    })
    expect(run.failure?.type).toBe('SchemaMismatch')
    expect(run.failure?.details?.notCleaned).toEqual([expect.stringContaining('no permission to delete')])
  })

  test('P11: a teardown that stays stuck is shown, named in the result, and turns no run red', async () => {
    const run = await harness.run({ deleteClusterIfPresent: fails('Unavailable', 'no answer') })
    expect(run.status).toBe('COMPLETED')
    expect(run.result?.notCleaned).toEqual([expect.stringContaining('no answer')])
    expect(run.result?.clusters).toEqual([expect.objectContaining({ deleted: false })])
  })

  test('P12: bad data moves the raw files to the failed path, with the reason', async () => {
    const run = await harness.run({ verifyOutput: fails('TooManyRejects', 'all are bad') })
    expect(run.failure).toMatchObject({
      type: 'TooManyRejects',
      details: { rawFilesAt: 'gs://raw-bucket/exports/failed-2019-03-01T000000/' },
    })
    const move = run.calls.find(({ name }) => name === 'moveRawFilesToFailed')
    expect(move?.args[1]).toMatchObject({ type: 'TooManyRejects', message: 'all are bad' })
    expectCleanedUp(run)
  })
})

describe('a cancel', () => {
  test('while the cluster is being created tears it down and ends the run as cancelled', async () => {
    const run = await harness.run({
      createCluster: async (attempt) => {
        const context = Context.current()
        await harness.env.client.workflow.getHandle(context.info.workflowExecution?.workflowId ?? '').cancel()
        for (;;) {
          context.heartbeat()
          await context.sleep(50)
          if (attempt.number > 1) break
        }
        throw new Error('unreachable')
      },
    })
    expect(run.status).toBe('CANCELLED')
    expectCleanedUp(run)
  })

  test('P10: that comes while lost output would be made again ends the run as cancelled', async () => {
    const run = await harness.run({
      loadTable: async () => {
        await harness.env.client.workflow
          .getHandle(Context.current().info.workflowExecution?.workflowId ?? '')
          .cancel()
        return fails('OutputGone')()
      },
    })
    expect(run.status).toBe('CANCELLED')
    expect(run.names.filter((name) => name === 'createCluster')).toHaveLength(1)
    expectCleanedUp(run)
  })

  test('P10: that comes during the load is too late, and the result says so', async () => {
    const run = await harness.run({
      loadTable: async () => {
        await harness.env.client.workflow
          .getHandle(Context.current().info.workflowExecution?.workflowId ?? '')
          .cancel()
        return LOADED
      },
    })
    expect(run.status).toBe('COMPLETED')
    expect(run.result).toMatchObject({ cancelledTooLate: true, filesArchived: 3, notCleaned: [] })
    expectCleanedUp(run)
  })
})
