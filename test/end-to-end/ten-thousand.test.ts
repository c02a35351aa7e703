import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { putBatch, trips } from '../support/batches.ts'
import { type Pipeline, startPipeline } from '../support/pipeline.ts'
import { scaled } from '../support/scale.ts'
import { until } from '../support/until.ts'

// In both cases more than a page of a listing.
const FILES = scaled(1_100, 10_000)
const KILLS = scaled(1, 3)

// A move in moves.ts that was under way when its worker died is begun again. It may find its copy there: it is refused once,
// and then replaces it.
const CONCURRENT_MOVES = 32
const REWRITES_OF_MOVE_BEGUN_AGAIN = 2

let pipeline: Pipeline
beforeAll(async () => {
  pipeline = await startPipeline()
}, 120_000)
afterAll(() => pipeline?.close())

/** MD5 in Base64 by name, of all that lies under a folder. */
async function digests(uri: string): Promise<Record<string, string>> {
  const [, bucket = '', prefix = ''] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? []
  const [files] = await pipeline.google.storage.bucket(bucket).getFiles({ prefix })
  return Object.fromEntries(
    files.map(({ name, metadata }) => [name.slice(prefix.length), String(metadata.md5Hash)]),
  )
}

test(
  'P8: thousands of files are archived, each once and with its bytes, by workers that are killed and a storage that fails now and then',
  async () => {
    const names = Array.from({ length: FILES }, (_, i) => `trips-${String(i).padStart(5, '0')}.json`)
    const batch = await putBatch(
      pipeline,
      Object.fromEntries(names.map((name, i) => [name, trips([i % 60, i % 7])])),
    )
    await pipeline.soleWorker()
    await pipeline.storage.clear()
    const sprinkled = ['objects.rewrite', 'objects.get', 'objects.delete'].map((on) => ({
      on,
      match: '/raw-',
      kind: 'error',
      code: 503,
      every: 47,
      times: FILES,
    }))
    for (const fault of sprinkled) await pipeline.storage.addFault(fault)
    // Each move takes a while, so that the kills land among them.
    await pipeline.storage.addFault({
      on: 'objects.rewrite',
      kind: 'latency',
      latencyMs: 40,
      times: 9 * FILES,
    })
    const run = await pipeline.start(batch.input)
    const processed = `gs://${pipeline.cloud.get('PROCESSED_BUCKET')}/${batch.parent}`
    for (let kill = 1; kill <= KILLS; kill++) {
      const enough = (kill * FILES) / (KILLS + 1)
      await until(
        'so many files are archived',
        async () => ((await pipeline.storage.calls())['objects.rewrite'] ?? 0) > enough,
        240_000,
      )
      await pipeline.soleWorker()
      const done = Object.keys(await digests(processed)).length
      expect(done).toBeGreaterThan(0)
      expect(done).toBeLessThan(FILES)
    }
    const result = await run.result()
    expect(result).toMatchObject({ filesArchived: FILES, filesLeftInPlace: 0, rowsLoaded: 2 * FILES })
    const expected = Object.entries(batch.files).map(([name, content]) => [
      name,
      createHash('md5').update(content).digest('base64'),
    ])
    expect(await digests(result.processedPath)).toEqual(Object.fromEntries(expected))
    expect(await digests(batch.input.rawPath)).toEqual({})
    // It went on where it had stopped: what was archived was not asked for again, and no error began it anew.
    const calls = await pipeline.storage.calls()
    const faults = await pipeline.storage.get<{ kind: string; hits: number }[]>('/faults')
    const struck = faults.filter(({ kind }) => kind === 'error').reduce((sum, { hits }) => sum + hits, 0)
    expect(struck).toBeGreaterThan(FILES / 47)
    const again = KILLS * CONCURRENT_MOVES * REWRITES_OF_MOVE_BEGUN_AGAIN
    expect(calls['objects.rewrite']).toBeLessThanOrEqual(FILES + struck + again)
    expect(await triesOfArchive(run.workflowId)).toBe(KILLS + 1)
  },
  scaled(240_000, 1_200_000),
)

/** How often the archive was begun. */
async function triesOfArchive(workflowId: string): Promise<number> {
  const { events } = await pipeline.temporal.workflow.getHandle(workflowId).fetchHistory()
  const scheduled = events?.find(
    ({ activityTaskScheduledEventAttributes: asked }) => asked?.activityType?.name === 'archiveRawFiles',
  )
  const started = events?.find(({ activityTaskStartedEventAttributes: begun }) =>
    begun?.scheduledEventId?.equals(scheduled?.eventId ?? -1),
  )
  return Number(started?.activityTaskStartedEventAttributes?.attempt)
}
