import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestCloud } from '../../test/support/local-cloud.ts'

const SCRIPT = join(import.meta.dirname, 'archive-memory-process.ts')

/** A small heap, so that garbage that nobody has had a reason to collect does not count as memory that is needed. */
const HEAP = '--max-old-space-size=96'

/** Archives a batch in a process of its own. @returns the most memory that it had, in MiB */
export async function peakOfArchive(cloud: TestCloud, objects: number): Promise<number> {
  const child = spawn(process.execPath, [HEAP, SCRIPT, JSON.stringify(cloud.env), String(objects)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let answer = ''
  child.stdout.on('data', (text) => {
    answer += String(text)
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`The archive of ${objects} objects failed.`)
  return Number(answer)
}
