import { splitUri } from '../activities/objects.ts'
import { activityBench } from '../test/support/activities.ts'
import { googleClientsOf } from '../test/support/clients.ts'
import { Control } from '../test/support/control.ts'
import { startCloud } from '../test/support/local-cloud.ts'
import { peakOfArchive } from './support/archive-memory.ts'
import type { Bench, Outcome } from './support/bench.ts'
import { putObjects } from './support/put-objects.ts'
import { summaryOf } from './support/statistics.ts'

const LATENCY_MS = 40
const OBJECTS = 10_000
/** One at a time, all of them would take half an hour; each takes as long as the other. */
const ONE_BY_ONE = 300
const GOAL_RATIO = 10
const [FEW, MANY] = [1_000, 100_000]
const FLAT = 1.25

/** The archive of a batch with a slow Cloud Storage, against the same calls for one object after another. */
export const archive: Bench = {
  name: 'archive',
  question: `how fast are ${OBJECTS} objects archived when each call takes ${LATENCY_MS} ms?`,
  async run(say): Promise<Outcome> {
    const cloud = await startCloud({ services: ['storage', 'bigquery', 'dataproc'] })
    const google = googleClientsOf(cloud)
    try {
      const { plan, call } = activityBench(cloud, google)
      const slow = new Control(cloud.get('STORAGE_CONTROL_URL'))

      const ours = plan({ rawPath: 'archive/ours/raw-1' })
      await putObjects(cloud, ours.rawPath, OBJECTS, '{}\n')
      await call('describeRawFiles', [ours])
      say(`archiving ${OBJECTS} objects`)
      await slow.addFault({ on: '*', kind: 'latency', latencyMs: LATENCY_MS, times: 10_000_000 })
      const began = performance.now()
      const { files } = await call('archiveRawFiles', [ours])
      const seconds = (performance.now() - began) / 1000
      if (files !== OBJECTS) throw new Error(`${files} of ${OBJECTS} objects were archived.`)
      await slow.clear()

      const theirs = plan({ rawPath: 'archive/theirs/raw-1' })
      await putObjects(cloud, theirs.rawPath, ONE_BY_ONE, '{}\n')
      await slow.addFault({ on: '*', kind: 'latency', latencyMs: LATENCY_MS, times: 10_000_000 })
      say(`archiving ${ONE_BY_ONE} objects, one at a time`)
      const each = await oneByOne(google.storage, theirs.rawPath)
      await slow.clear()

      const rate = OBJECTS / seconds
      const baseline = 1000 / summaryOf(each).median
      say(`memory with ${FEW} and with ${MANY} objects`)
      const few = await peakOfArchive(cloud, FEW)
      const many = await peakOfArchive(cloud, MANY)
      return {
        series: [
          { name: 'the archive, objects a second', unit: '1/s', ...summaryOf([rate]) },
          { name: 'one at a time, for an object', unit: 'ms', ...summaryOf(each) },
          { name: `most memory, ${FEW} objects`, unit: 'MiB', ...summaryOf([few]) },
          { name: `most memory, ${MANY} objects`, unit: 'MiB', ...summaryOf([many]) },
        ],
        verdicts: [
          {
            goal: `at least ${GOAL_RATIO} × one at a time`,
            seen: `${(rate / baseline).toFixed(1)} ×`,
            met: rate / baseline >= GOAL_RATIO,
          },
          {
            goal: `memory flat from ${FEW} to ${MANY} objects (at most ${FLAT} ×)`,
            seen: `${(many / few).toFixed(2)} ×`,
            met: many / few <= FLAT,
          },
        ],
        notes: [`${OBJECTS} objects in ${seconds.toFixed(1)} s.`],
      }
    } finally {
      await google.close()
      await cloud.close()
    }
  },
}

/** Copy, look, delete, as the pipeline does, for one object after another. @returns milliseconds of each */
async function oneByOne(
  storage: ReturnType<typeof googleClientsOf>['storage'],
  folder: string,
): Promise<readonly number[]> {
  const { bucket, name: prefix } = splitUri(folder)
  const [files] = await storage.bucket(bucket).getFiles({ prefix })
  const each: number[] = []
  for (const file of files) {
    const began = performance.now()
    const target = file.bucket.file(file.name.replace('raw-1', 'done-1'))
    await file.copy(target, { preconditionOpts: { ifGenerationMatch: 0 } })
    const [metadata] = await target.getMetadata()
    if (metadata.crc32c !== file.metadata.crc32c) throw new Error(`${target.name} holds other bytes.`)
    await file.delete({ ifGenerationMatch: String(file.metadata.generation) })
    each.push(performance.now() - began)
  }
  return each
}
