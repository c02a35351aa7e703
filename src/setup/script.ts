import { createHash } from 'node:crypto'
import { isNotFound } from '../../activities/failures.ts'
import type { GoogleClients } from '../clients.ts'
import { readSparkScript } from '../spark-script.ts'
import type { Resource } from './resource.ts'

/**
 * The Spark script of this release, where the worker tells Dataproc to find it. A script of one's own
 * (`SPARK_SCRIPT_URI`) is only looked for.
 */
export function sparkScript(storage: GoogleClients['storage'], rawBucket: string, uri: string): Resource {
  const { content, objectName } = readSparkScript()
  const released = `gs://${rawBucket}/${objectName}`
  const [, bucketName = '', name = ''] = /^gs:\/\/([^/]+)\/(.+)$/s.exec(uri) ?? []
  const file = storage.bucket(bucketName).file(name)
  const read = async (): Promise<
    { readonly md5Hash?: string; readonly generation?: unknown } | undefined
  > => {
    try {
      const [metadata] = await file.getMetadata()
      return metadata
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }
  return {
    thing: `Spark script ${uri}`,
    detail: uri === released ? 'the one of this release' : 'your own',
    api: 'storage',
    async inspect() {
      const found = await read()
      if (uri !== released) {
        if (found !== undefined) return { state: 'right' }
        const finding = `There is no Spark script ${uri}.`
        return {
          state: 'wrong',
          fault: { finding, remedy: `gcloud storage cp <your script> ${uri}, or unset SPARK_SCRIPT_URI.` },
        }
      }
      if (found?.md5Hash === createHash('md5').update(content).digest('base64')) return { state: 'right' }
      const mend = async (): Promise<void> => {
        await file.save(content, {
          contentType: 'text/x-python',
          resumable: false,
          preconditionOpts: { ifGenerationMatch: Number(found?.generation ?? 0) },
        })
      }
      return found === undefined
        ? { state: 'missing', finding: `There is no Spark script ${uri}.`, mend }
        : { state: 'differs', finding: `The Spark script ${uri} is not the one of this release.`, mend }
    },
  }
}
