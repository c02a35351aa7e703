import { expect, test } from '@jest/globals'
import { planRun } from '../../workflows/plan.ts'
import { type Done, type Ended, receiptOf, resultOf } from '../../workflows/result.ts'
import { RUN_DEFAULTS } from '../support/run-defaults.ts'

const plan = planRun({ rawPath: 'gs://raw-bucket/exports/raw-1/' }, RUN_DEFAULTS)

const done: Done = {
  batch: { manifestUri: plan.manifestUri, files: 2, bytes: 10, digest: 'd' },
  load: {
    jobId: 'load_0',
    rows: 5,
    outputTable: plan.outputTable,
    writeDisposition: plan.writeDisposition,
  },
  loadedBefore: true,
  archive: { processedPath: 'gs://processed-bucket/p/', files: 2, bytes: 10, filesLeftInPlace: 0 },
}

const ended: Ended = {
  clusters: [],
  notCleaned: [],
  cancelledTooLate: false,
  queuedSeconds: 0,
  startedAt: new Date(0),
}

const cluster = (seconds: number, waitingSeconds?: number) => ({
  name: 'c',
  seconds,
  ...(waitingSeconds !== undefined && { waitingSeconds }),
  deleted: true,
})

test('a result sums its clusters, of which some may not know how long they waited', () => {
  const clusters = [cluster(0.1, 0.05), cluster(0.2), cluster(0.3, 0.1)]
  expect(resultOf({ plan }, done, { ...ended, clusters })).toMatchObject({
    clusterSeconds: 0.6,
    waitingSeconds: 0.15,
  })
})

test('a result says how long the run was queued only if it was, and who asked only if that is known', () => {
  const plainly = resultOf({ plan }, done, ended)
  for (const field of ['queuedSeconds', 'startedBy', 'rowsRead', 'attempt', 'rejectedPath'])
    expect(plainly).not.toHaveProperty(field)
  expect(resultOf({ plan }, done, { ...ended, queuedSeconds: 12.5, startedBy: 'a@b' })).toMatchObject({
    queuedSeconds: 12.5,
    startedBy: 'a@b',
  })
})

test('a receipt is the result, and whose it is; a run that was started by hand is its own run id', () => {
  const result = resultOf({ plan }, done, ended)
  const whose = { receiptVersion: 1, endedAt: '1970-01-01T00:00:09.000Z' }
  const at = new Date(9_000)
  expect(receiptOf(result, 'average-speed/one', at)).toEqual({
    ...whose,
    runId: 'one',
    workflowId: 'average-speed/one',
    ...result,
  })
  expect(receiptOf(result, 'by hand', at)).toMatchObject({ runId: 'by hand', workflowId: 'by hand' })
})
