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

/** Says that a request names something that the deployment does not let callers choose. */
export class NotAllowedError extends PathError {
  override readonly name = 'NotAllowedError'
}

/** The deployment's rules for paths. */
export interface PathRules {
  /** Bucket of paths that are sent without one. */
  readonly rawBucket: string
  readonly processedBucket: string
  /** Buckets that a caller's raw path may name. */
  readonly allowedBuckets: readonly string[]
}

/** The same, with what callers may choose beside the raw path. */
export interface CallerRules extends PathRules {
  /** Folders, `gs://…/`, below which a caller may put the transformed and the failed path. */
  readonly callerFolders: readonly string[]
}

/**
 * Where everything of a batch lies. All are URIs of folders (`gs://…/`). Each is the batch's own: no two batches have one in
 * common, and none of one batch lies in one of another's.
 */
export interface BatchPaths {
  readonly rawPath: string
  readonly transformedPath: string
  readonly failedPath: string
  readonly rejectedPath: string
  /** Above `processed_date=…/`. */
  readonly processedRoot: string
  /** The raw path's last segment, `raw-<timestamp>`. */
  readonly batchName: string
}

// Bucket names: https://cloud.google.com/storage/docs/buckets#naming
const BUCKET = /^[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]$/
// Wildcards and escapes would be read as such by BigQuery and Hadoop, and a percent-encoding by whoever decodes once too
// often; control characters are not allowed in object names. Characters that cannot be seen, turn a line or pass for a plain
// space forge what people read.
const FORBIDDEN =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Default_Ignorable_Code_Point}*?[\]{}#\\]|[^\P{Zs} ]|\u2800|%[0-9a-f]{2}/iu
// Folders that runs make. A path through one would reach what another batch keeps there.
const RUN_FOLDER = /^(?:(?:transformed|failed|rejected)-|(?:processed_date|reload|bucket)=)/
// Object names end at 1,024 bytes: https://cloud.google.com/storage/docs/objects#naming; this leaves room for file names.
const MAX_PREFIX_BYTES = 700

/**
 * Reads a folder's URI, or a path relative to `defaultBucket`; the slash at the end is optional.
 * @throws PathError
 */
export function parseFolder(field: string, text: string, defaultBucket: string): Folder {
  // What begins like a URI, after a slash too, is one: `gs:/x` or `javascript:x` is a mistake, not a folder of that name.
  if (!text.startsWith('gs://') && /^\s*(?:[/\\]?\s*[a-z][a-z0-9+.-]*:|[/\\]{2})/i.test(text)) {
    throw new PathError(`${field} must be a Cloud Storage path (gs://bucket/folder/), not ${quote(text)}.`)
  }
  const uri = text.startsWith('gs://') ? text : `gs://${defaultBucket}/${text.replace(/^\//, '')}`
  const match = /^gs:\/\/([^/]*)\/(.*)$/s.exec(uri.endsWith('/') ? uri : `${uri}/`)
  const bucket = match?.[1] ?? ''
  const prefix = match?.[2] ?? ''
  if (!BUCKET.test(bucket)) throw new PathError(`${field} names no valid bucket: ${quote(text)}.`)
  if (prefix === '')
    throw new PathError(`${field} must name a folder in the bucket, not the bucket itself: ${quote(text)}.`)
  if (FORBIDDEN.test(prefix)) {
    throw new PathError(
      `${field} holds a wildcard, bracket, backslash, hash, percent-encoding, control character or one that cannot be seen: ${quote(text)}.`,
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
  if (segments.some((segment) => segment !== segment.trim())) {
    throw new PathError(`${field} holds a folder that begins or ends in a space: ${quote(text)}.`)
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

/**
 * The folders of a batch.
 * @throws PathError, NotAllowedError
 */
export function batchPaths(
  input: { readonly rawPath: string; readonly transformedPath?: string; readonly failedPath?: string },
  rules: CallerRules,
): BatchPaths {
  const raw = parseFolder('raw_path', input.rawPath, rules.rawBucket)
  if (!rules.allowedBuckets.includes(raw.bucket)) {
    throw new NotAllowedError(
      `raw_path names the bucket ${quote(raw.bucket)}, which this deployment does not allow.`,
    )
  }
  const { parent, name: batchName } = splitFolder(raw)
  if (!/^raw-./.test(batchName) || batchName.endsWith('.receipts')) {
    throw new PathError(
      `raw_path must end in a folder named raw-<timestamp>, such as gs://${raw.bucket}/exports/raw-2019-03-01T000000/; its last folder is ${quote(batchName)}.`,
    )
  }
  refuseRunFolders('raw_path', parent)
  const own = (kind: string): string => `${kind}${batchName.slice('raw'.length)}`
  const sibling = (kind: string): string => `gs://${raw.bucket}/${parent}${own(kind)}/`
  const chosen = (field: string, text: string | undefined, kind: string): string =>
    text === undefined || text === ''
      ? sibling(kind)
      : chosenFolder(field, text, { raw, name: own(kind), standard: sibling(kind) }, rules)
  return {
    rawPath: uriOf(raw),
    transformedPath: chosen('transformed_path', input.transformedPath, 'transformed'),
    failedPath: chosen('failed_path', input.failedPath, 'failed'),
    rejectedPath: sibling('rejected'),
    processedRoot: processedRoot(raw.bucket, parent, rules),
    batchName,
  }
}

/**
 * A folder below which callers may put paths, as a setting names it.
 * @throws PathError
 */
export function callerFolder(field: string, text: string, rawBucket: string): string {
  const folder = parseFolder(field, text, rawBucket)
  refuseRunFolders(field, folder.prefix)
  return uriOf(folder)
}

/** The folder of one batch among the processed ones. `day` is `YYYY-MM-DD`, in UTC. */
export function processedPath(
  paths: Pick<BatchPaths, 'processedRoot' | 'batchName'>,
  day: string,
  reload?: string,
): string {
  const label = reload === undefined ? '' : `reload=${reload}/`
  return `${paths.processedRoot}processed_date=${day}/${label}${paths.batchName}/`
}

/**
 * The folder of a bad batch's files. Each description of a batch has its own, since a reload may have other files under the
 * same names; all runs of one description have the same files.
 */
export function failedFolder({ failedPath }: Pick<BatchPaths, 'failedPath'>, reload?: string): string {
  return reload === undefined ? failedPath : `${failedPath}reload=${reload}/`
}

/** Batches of other buckets than the usual one have a folder of their own, since they may bear the same names. */
function processedRoot(bucket: string, parent: string, { rawBucket, processedBucket }: PathRules): string {
  return `gs://${processedBucket}/${bucket === rawBucket ? '' : `bucket=${bucket}/`}${parent}`
}

/** A folder that the caller has chosen, made the batch's own by the batch's whole name in it. */
function chosenFolder(
  field: string,
  text: string,
  batch: { readonly raw: Folder; readonly name: string; readonly standard: string },
  { callerFolders }: CallerRules,
): string {
  const { raw, name, standard } = batch
  const folder = parseFolder(field, text, raw.bucket)
  const uri = uriOf(folder)
  if (uri === standard) return standard
  const last = splitFolder(folder)
  const root = callerFolders.find((one) => uri.startsWith(one) && uri !== one)
  if (root === undefined) {
    const others = callerFolders.length === 0 ? '' : `, or a folder ${name} below ${callerFolders.join(', ')}`
    throw new NotAllowedError(
      `${field} must be ${standard}${others}: ${quote(text)} is not for a caller to choose.`,
    )
  }
  const between = nestedBatchFolder(last.parent.slice(root.length - `gs://${folder.bucket}/`.length))
  if (between !== undefined)
    throw new PathError(`${field} must not lie in ${quote(between)}, the folder of a batch: ${quote(text)}.`)
  if (last.name !== name)
    throw new PathError(`${field} must end in a folder named ${name}, as the batch is: ${quote(text)}.`)
  const own = { bucket: folder.bucket, prefix: `${folder.prefix}${raw.bucket}/${raw.prefix}` }
  if (utf8Length(own.prefix) > MAX_PREFIX_BYTES)
    throw new PathError(`${field} and raw_path together are longer than ${MAX_PREFIX_BYTES} bytes.`)
  return uriOf(own)
}

function splitFolder({ prefix }: Folder): { readonly parent: string; readonly name: string } {
  const at = prefix.lastIndexOf('/', prefix.length - 2) + 1
  return { parent: prefix.slice(0, at), name: prefix.slice(at, -1) }
}

function refuseRunFolders(field: string, prefix: string): void {
  const found = runFolderIn(prefix)
  if (found === undefined) return
  throw new PathError(
    `${field} must not lie in the folder ${quote(found)}, which has the name of a batch's own. Choose another folder.`,
  )
}

/**
 * The first folder in an object's name, or prefix, that belongs to one batch alone.
 * @param others names beside those that runs make
 */
function runFolderIn(name: string, others?: RegExp): string | undefined {
  const folders = name.split('/').slice(0, -1)
  return folders.find((folder) => RUN_FOLDER.test(folder) || others?.test(folder))
}

/** The first folder below a raw path, if any, that has the name of a batch, or of what a run makes of one. */
export function nestedBatchFolder(relativeName: string): string | undefined {
  return runFolderIn(relativeName, /^raw-/)
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
