import pMap from 'p-map'
import { splitUri } from '../../activities/objects.ts'
import type { TestCloud } from '../../test/support/local-cloud.ts'

/**
 * Puts many objects of one content below a folder, `trips-000000.json` and so on. It makes the upload's call itself, since the
 * client library takes milliseconds of the processor for each: https://cloud.google.com/storage/docs/json_api/v1/objects/insert
 * @param folder `gs://bucket/folder/`
 */
export async function putObjects(
  cloud: TestCloud,
  folder: string,
  count: number,
  content: string,
): Promise<void> {
  const { bucket, name: prefix } = splitUri(folder)
  const upload = `${cloud.get('STORAGE_API_ENDPOINT')}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=`
  const names = Array.from({ length: count }, (_, i) => `${prefix}trips-${String(i).padStart(6, '0')}.json`)
  await pMap(
    names,
    async (name) => {
      const reply = await fetch(upload + encodeURIComponent(name), { method: 'POST', body: content })
      if (!reply.ok) throw new Error(`${name} was not put: ${await reply.text()}`)
      await reply.arrayBuffer()
    },
    { concurrency: 64 },
  )
}
