import { PathError, type PathRules, parseFolder, uriOf } from '../../workflows/paths.ts'
import { newBatchName } from './export-batch.ts'

/**
 * The path of a batch that is made now, by the rules that its run will be held to.
 * @param field what the caller calls the folder
 * @param folder `gs://bucket/folder/`, or relative to the raw bucket
 * @returns or why no run could be triggered for it, in one sentence
 */
export function newRawPath(
  field: string,
  folder: string,
  { rawBucket, allowedBuckets }: PathRules,
): { readonly rawPath: string } | { readonly fault: string } {
  try {
    const found = parseFolder(field, `${folder.replace(/\/$/, '')}/${newBatchName()}/`, rawBucket)
    if (allowedBuckets.includes(found.bucket)) return { rawPath: uriOf(found) }
    return {
      fault: `${field} names the bucket ${found.bucket}, and runs read ${allowedBuckets.join(', ')} only. Name one of these, or add it to ALLOWED_BUCKETS.`,
    }
  } catch (error) {
    if (error instanceof PathError) return { fault: error.message }
    throw error
  }
}
