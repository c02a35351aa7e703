/**
 * The paths of a batch, all of them derived from its raw path. Pure, and shared by the gateway and the workflow, so that
 * both refuse the same inputs with the same sentence.
 */

/** A folder in Cloud Storage. `prefix` ends in a slash and does not begin with one. */
export interface Folder {
  readonly bucket: string
  readonly prefix: string
}

/** Says what is wrong with a path, in one sentence that names the field. */
export class PathError extends Error {
  override readonly name: string = 'PathError'
}

/** Says that a path names a bucket that the deployment does not allow. */
export class BucketNotAllowedError extends PathError {
  override readonly name = 'BucketNotAllowedError'
}

/** The deployment's rules for paths. */
export interface PathRules {
  /** Bucket of paths that are sent without one. */
  readonly rawBucket: string
  readonly processedBucket: string
  /** Buckets that a caller's paths may name. */
  readonly allowedBuckets: readonly string[]
}

/** Where everything of a batch lies. All are URIs of folders (`gs://…/`). */
export interface BatchPaths {
  readonly rawPath: string
  readonly transformedPath: string
  readonly failedPath: string
  readonly rejectedPath: string
  /** The pipeline's own notes on the batch: its claim, its manifest, where it was archived. */
  readonly batchPath: string
  /** Above `processed_date=…/`. */
  readonly processedRoot: string
  /** The raw path's last segment, `raw-<timestamp>`. */
  readonly batchName: string
}

// Bucket names: https://cloud.google.com/storage/docs/buckets#naming
const BUCKET = /^[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]$/
// Wildcards and escapes would be read as such by BigQuery and Hadoop, and a percent-encoding by whoever decodes once too
// often; control characters are not allowed in object names, and those that break or turn lines forge what people read.
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}*?[\]{}#\\]|%[0-9a-f]{2}/iu
// Object names end at 1,024 bytes: https://cloud.google.com/storage/docs/objects#naming; this leaves room for file names.
const MAX_PREFIX_BYTES = 700

/**
 * Reads a folder's URI, or a path relative to `defaultBucket`; the slash at the end is optional.
 * @throws PathError
 */
export function parseFolder(field: string, text: string, defaultBucket: string): Folder {
  const uri = /^gs:\/\//.test(text) ? text : `gs://${defaultBucket}/${text.replace(/^\/+/, '')}`
  const match = /^gs:\/\/([^/]*)\/(.*)$/s.exec(uri.endsWith('/') ? uri : `${uri}/`)
  const bucket = match?.[1] ?? ''
  const prefix = match?.[2] ?? ''
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !text.startsWith('gs://')) {
    throw new PathError(`${field} must be a Cloud Storage path (gs://bucket/folder/), not ${quote(text)}.`)
  }
  if (!BUCKET.test(bucket)) throw new PathError(`${field} names no valid bucket: ${quote(text)}.`)
  if (prefix === '')
    throw new PathError(`${field} must name a folder in the bucket, not the bucket itself: ${quote(text)}.`)
  if (FORBIDDEN.test(prefix)) {
    throw new PathError(
      `${field} holds a wildcard, bracket, backslash, hash, control character or percent-encoding: ${quote(text)}.`,
    )
  }
  // Half a surrogate pair has no UTF-8 form: object names, and Temporal's own storage, would not keep it as it is.
  if (/\p{Surrogate}/u.test(prefix)) {
    throw new PathError(`${field} holds half a character (an unpaired surrogate): ${quote(text)}.`)
  }
  const segments = prefix.slice(0, -1).split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw new PathError(`${field} holds an empty, "." or ".." folder: ${quote(text)}.`)
  }
  if (utf8Length(prefix) > MAX_PREFIX_BYTES) {
    throw new PathError(`${field} is longer than ${MAX_PREFIX_BYTES} bytes.`)
  }
  return { bucket, prefix }
}

/** `gs://bucket/prefix/` */
export function uriOf(folder: Folder): string {
  return `gs://${folder.bucket}/${folder.prefix}`
}

/** True when one folder is the other, or lies in it. */
export function overlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a)
}

/**
 * Derives every path of a batch and checks those that the caller chose.
 * @throws PathError when a path cannot be read, leaves the allowed buckets, or overlaps another
 */
export function batchPaths(
  input: { readonly rawPath: string; readonly transformedPath?: string; readonly failedPath?: string },
  rules: PathRules,
): BatchPaths {
  const raw = allowed('raw_path', parseFolder('raw_path', input.rawPath, rules.rawBucket), rules)
  const at = raw.prefix.lastIndexOf('/', raw.prefix.length - 2) + 1
  const batchName = raw.prefix.slice(at, -1)
  if (!/^raw-./.test(batchName)) {
    throw new PathError(
      `raw_path must end in a folder named raw-<timestamp>, such as gs://${raw.bucket}/exports/raw-2019-03-01T000000/; its last folder is ${quote(batchName)}.`,
    )
  }
  const parent = raw.prefix.slice(0, at)
  const sibling = (kind: string): string =>
    `gs://${raw.bucket}/${parent}${kind}${batchName.slice('raw'.length)}/`
  const chosen = (field: string, text: string | undefined, kind: string): string =>
    text === undefined || text === ''
      ? sibling(kind)
      : uriOf(allowed(field, parseFolder(field, text, raw.bucket), rules))
  const paths = {
    rawPath: uriOf(raw),
    transformedPath: chosen('transformed_path', input.transformedPath, 'transformed'),
    failedPath: chosen('failed_path', input.failedPath, 'failed'),
    rejectedPath: sibling('rejected'),
    batchPath: sibling('batch'),
    processedRoot: `gs://${rules.processedBucket}/${parent}`,
    batchName,
  }
  refuseOverlaps(paths)
  return paths
}

/** The folder of one batch among the processed ones. `day` is `YYYY-MM-DD`, in UTC. */
export function processedPath(
  paths: Pick<BatchPaths, 'processedRoot' | 'batchName'>,
  day: string,
  reload?: string,
): string {
  const folder = reload === undefined ? paths.batchName : `${paths.batchName}-reload-${reload}`
  return `${paths.processedRoot}processed_date=${day}/${folder}/`
}

function allowed(field: string, folder: Folder, rules: PathRules): Folder {
  if (!rules.allowedBuckets.includes(folder.bucket)) {
    throw new BucketNotAllowedError(
      `${field} names the bucket ${quote(folder.bucket)}, which this deployment does not allow.`,
    )
  }
  return folder
}

function refuseOverlaps(paths: BatchPaths): void {
  const named = [
    ['raw_path', paths.rawPath],
    ['transformed_path', paths.transformedPath],
    ['failed_path', paths.failedPath],
    ['the rejected path', paths.rejectedPath],
    ['the batch path', paths.batchPath],
  ] as const
  for (const [i, [field, uri]] of named.entries()) {
    if (i > 0 && /\/raw-[^/]*\/$/.test(uri)) {
      throw new PathError(`${field} (${uri}) must not be a folder named raw-…, which is a batch's own.`)
    }
    for (const [other, otherUri] of named.slice(0, i)) {
      if (overlap(uri, otherUri)) {
        throw new PathError(`${field} (${uri}) must not be, contain or lie in ${other} (${otherUri}).`)
      }
    }
    // Retained batches lie below processed_date=… folders: nothing of a run may be written or cleaned among them.
    if (overlap(uri, `${paths.processedRoot}processed_date=`)) {
      throw new PathError(`${field} (${uri}) must not contain or lie among the processed batches.`)
    }
  }
}

function quote(text: string): string {
  const shown = text.length > 120 ? `${text.slice(0, 120)}…` : text
  return JSON.stringify(shown)
}

// TextEncoder is not part of the workflow sandbox's types; code points are enough to count.
function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}
