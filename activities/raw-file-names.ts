/** What can be told of a raw file by its name and size, before a cluster is paid for. */

import { failure } from './failures.ts'
import type { ObjectDescription } from './objects.ts'

/** The reason that is left beside the files of a bad batch. */
export const FAILURE_FILE = '_FAILURE.json'

/** The same as `PACKED` and `UNPACKED` in spark/spark_avg_speed.py. */
const PACKED =
  /\.(?:gz|gzip|bgz|tgz|z|deflate|zlib|bz2?|bzip2?|tbz2?|snappy|sz|lz4|lzo|lzo_deflate|lzma|zstd?|xz|txz|br|passthrough|zip|7z|rar|tar|parquet|avro|orc|seq)$/i
const UNPACKED = /\.(?:gz|deflate)$/

// https://cloud.google.com/storage/docs/objects#naming
const MAX_NAME_BYTES = 1024

/** What the script of the release cannot read, with the reason; `refuse` there says the same. */
const UNREADABLE: readonly (readonly [(name: string) => boolean, string])[] = [
  [
    (name) => /(?:^|\/)\.{0,2}(?:\/|$)/.test(name),
    "Hadoop cannot read a name with an empty, '.' or '..' part. Rename the file",
  ],
  [isHidden, 'Spark takes a name like this for a hidden file. Rename the file'],
  [
    (name) => name.includes(':') && /[\\{}[\]*?]/.test(name),
    'Hadoop cannot read a name with a colon and one of * ? [ ] { } \\ in it. Rename the file',
  ],
  [
    (name) => PACKED.test(name) && !UNPACKED.test(name),
    'files with this ending are not read. Export one JSON object a line, as UTF-8, plain or with gzip under a name that ends in .gz',
  ],
]

/** What a file must be fit for. */
export interface RawFileRules {
  /** Whether the script of the release will read it; what one of the user's own reads is not known. */
  readonly isReleaseScript: boolean
  /** Bytes of the longest folder that the file may be moved to, without the bucket. */
  readonly longestFolder: number
}

/**
 * Refuses a file that could be neither read nor moved.
 * @param name below the raw path
 * @throws InvalidInput, so that the files stay where they are
 */
export function checkRawFile(
  uri: string,
  name: string,
  object: ObjectDescription,
  { isReleaseScript, longestFolder }: RawFileRules,
): void {
  const why = lengthFault(name, longestFolder) ?? faultOf(name, object, isReleaseScript)
  if (why === undefined) return
  throw failure('InvalidInput', `${uri}: ${why}, then retry the run. No cluster was paid for.`)
}

function faultOf(name: string, object: ObjectDescription, isReleaseScript: boolean): string | undefined {
  if (name === FAILURE_FILE)
    return 'this is the name of the note that is left beside the files of a bad batch. Rename the file'
  if (!isReleaseScript) return undefined
  if (object.size === 0 && UNPACKED.test(name))
    return 'the compressed file is empty, so it was cut off. Export it again'
  return UNREADABLE.find(([applies]) => applies(object.name))?.[1]
}

function lengthFault(name: string, folder: number): string | undefined {
  // A manifest line has six bytes for each of them, and whoever reads a name sees another.
  if (/\p{Cc}/u.test(name)) return 'its name holds a control character. Rename the file'
  const longest = MAX_NAME_BYTES - folder
  return Buffer.byteLength(name) > longest
    ? `its name is longer than the ${longest} bytes that leave room for the folder of the archive. Shorten it`
    : undefined
}

function isHidden(name: string): boolean {
  const last = name.slice(name.lastIndexOf('/') + 1)
  return last.startsWith('.') || (last.startsWith('_') && !last.includes('=')) || last.endsWith('._COPYING_')
}
