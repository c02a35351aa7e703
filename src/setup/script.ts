import { fileAt } from '../../activities/objects.ts'
import type { SparkJobOptions } from '../../activities/spark-arguments.ts'
import { isCopy, metadataOf, SparkCopiesNote } from '../../activities/spark-files.ts'
import { readNote } from '../../activities/storage/notes.ts'
import type { GoogleClients } from '../clients.ts'
import { readSparkScript } from '../spark-script.ts'
import { copySparkFile } from './copy-spark-file.ts'
import type { Resource } from './resource.ts'

type Storage = GoogleClients['storage']

/**
 * The Spark files where the worker tells Dataproc to find them: in the state bucket, which clusters cannot write. The script of
 * this release is put there; the user's own files are copied.
 * @param bucket the thing that they stand on
 */
export function sparkFiles(storage: Storage, spark: SparkJobOptions, bucket: string): Resource[] {
  const own = (variable: string) => (uri: string) => ownFile(storage, spark, { uri, variable, bucket })
  return [
    spark.release ? releaseScript(storage, spark, bucket) : own('SPARK_SCRIPT_URI')(spark.scriptUri),
    ...spark.pythonFileUris.map(own('SPARK_PY_FILES')),
    ...spark.jarFileUris.map(own('SPARK_JARS')),
  ]
}

function releaseScript(storage: Storage, { scriptUri: uri }: SparkJobOptions, standsOn: string): Resource {
  const { content, md5, size } = readSparkScript()
  return {
    thing: `Spark script ${uri}`,
    detail: 'the one of this release',
    api: 'storage',
    standsOn,
    async inspect() {
      const found = await metadataOf(storage, uri)
      if (found !== undefined && isCopy(found, { md5, size })) return { state: 'right' }
      const mend = async (): Promise<void> => {
        await fileAt(storage, uri).save(content, {
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

function ownFile(
  storage: Storage,
  spark: SparkJobOptions,
  { uri, variable, bucket }: { readonly uri: string; readonly variable: string; readonly bucket: string },
): Resource {
  return {
    thing: `Spark file ${uri}`,
    detail: `your own, copied to ${spark.copies.folder}`,
    api: 'storage',
    standsOn: bucket,
    async inspect() {
      const source = await metadataOf(storage, uri)
      if (source === undefined) {
        const remedy = `gcloud storage cp <your file> ${uri}, or correct ${variable}.`
        return { state: 'wrong', fault: { finding: `There is no Spark file ${uri}.`, remedy } }
      }
      const mend = () => copySparkFile(storage, spark, { uri, generation: String(source.generation) })
      const note = await readNote(storage, spark.copies.note, SparkCopiesNote)
      const told = note?.value.files.find((file) => file.uri === uri)
      if (told === undefined)
        return {
          state: 'missing',
          finding: `The Spark file ${uri} has no copy in ${spark.copies.folder}.`,
          mend,
        }
      const copy = await metadataOf(storage, told.copy)
      if (copy === undefined || !isCopy(copy, told))
        return {
          state: 'differs',
          finding: `The copy ${told.copy} of ${uri} is not what set-up has put there.`,
          mend,
        }
      if (Number(source.size) === told.size && source.crc32c === told.crc32c) return { state: 'right' }
      return {
        state: 'differs',
        finding: `The Spark file ${uri} differs from its copy ${told.copy}, which is what jobs are given.`,
        mend,
      }
    },
  }
}
