import { createHash } from 'node:crypto'
import type { Storage } from '@google-cloud/storage'
import type { Attempt, OutputParts } from '../workflows/run-types.ts'
import { failure } from './failures.ts'
import { listObjects, splitUri } from './objects.ts'

/** Most URIs that a load job may name: https://cloud.google.com/bigquery/quotas#load_jobs */
const MAX_PARTS = 10_000

/**
 * Lists the files of an attempt's output that are to be loaded. A load names each of them, so that it fails as a whole when
 * one is missing: a pattern would stand for whatever is left.
 * @throws TooManyParts, CountsDiffer
 */
export async function listParts(
  storage: Storage,
  { outputPath }: Attempt,
): Promise<OutputParts & { readonly uris: readonly string[] }> {
  const { bucket } = splitUri(outputPath)
  const digest = createHash('sha256')
  const uris: string[] = []
  for await (const { name, generation, size } of listObjects(storage, `${outputPath}part-`)) {
    const uri = `gs://${bucket}/${name}`
    if (name.includes('*')) {
      throw failure(
        'CountsDiffer',
        `${uri} has an asterisk in its name, which BigQuery takes for a pattern. Nothing was loaded; fix the script and retry the run.`,
      )
    }
    if (uris.length === MAX_PARTS) {
      throw failure(
        'TooManyParts',
        `The output in ${outputPath} has more than ${MAX_PARTS} files, which is the most that a load can name. Let the job write fewer, larger files, then retry the run.`,
      )
    }
    uris.push(uri)
    digest.update(`${name}\n${generation}\n${size}\n`)
  }
  return { files: uris.length, digest: digest.digest('hex'), uris }
}

/**
 * Lists the files of an output once more.
 * @param verified what was listed when the output was verified
 * @throws OutputGone when they are others by now
 */
export async function verifiedParts(
  storage: Storage,
  attempt: Attempt,
  verified: OutputParts,
): Promise<readonly string[]> {
  const { files, digest, uris } = await listParts(storage, attempt)
  if (files > 0 && digest === verified.digest) return uris
  throw failure(
    'OutputGone',
    `The output in ${attempt.outputPath} is not what it was when it was verified: it has ${files} files, and had ${verified.files}. Nothing was loaded; retry the run.`,
  )
}
