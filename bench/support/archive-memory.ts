import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestCloud } from '../../test/support/local-cloud.ts'
import { putObjects } from './put-objects.ts'
import { WORKER_HEAP } from './worker-heap.ts'

const SCRIPT = join(import.meta.dirname, 'archive-memory-process.ts')

/** Archives a batch in a process of its own, with a worker's heap. @returns the most memory that it had, in MiB */
export async function peakOfArchive(cloud: TestCloud, objects: number): Promise<number> {
  const rawPath = `gs://${cloud.get('RAW_BUCKET')}/memory-${objects}/raw-1/`
  await putObjects(cloud, rawPath, objects, '{}\n')
  const child = spawn(
    process.execPath,
    [...WORKER_HEAP, SCRIPT, JSON.stringify(cloud.env), rawPath, String(objects)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let answer = ''
  child.stdout.on('data', (text) => {
    answer += String(text)
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`The archive of ${objects} objects failed.`)
  return Number(answer)
}
