import type { Storage } from '@google-cloud/storage'
import { bytesOf, fileAt, listObjects, type ObjectDescription, splitUri } from './objects.ts'

const TAIL_BYTES = 4_000
const TAIL_LINES = 20

/**
 * The last lines that a job's driver wrote, for a failure's message. Best effort: what cannot be read is left out.
 * @param resourceUri the job's `driverOutputResourceUri`, a prefix of numbered objects:
 *   https://cloud.google.com/dataproc/docs/reference/rest/v1/projects.regions.jobs#Job.FIELDS.driver_output_resource_uri
 */
export async function driverTail(storage: Storage, resourceUri: string): Promise<string> {
  try {
    const { bucket } = splitUri(resourceUri)
    let last: ObjectDescription | undefined
    for await (const object of listObjects(storage, resourceUri)) if (object.size > 0) last = object
    if (last === undefined) return ''
    const content = await bytesOf(fileAt(storage, `gs://${bucket}/${last.name}`), {
      start: Math.max(0, last.size - TAIL_BYTES),
      end: last.size - 1,
    })
    return content.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
  } catch {
    return ''
  }
}
