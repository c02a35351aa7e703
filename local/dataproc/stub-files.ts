/** What the pipeline's Spark script says of files that it cannot read. */

/** The script's own failure: the batch is at fault, not the machinery. */
export class RawFileError extends Error {
  readonly kind: 'RawFileMissing' | 'RawFileUnreadable' | 'RawColumnsMissing'

  constructor(kind: RawFileError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

const AS_LINES = 'Export one JSON object a line, as UTF-8, plain or with gzip under a name that ends in .gz.'

const PACKED =
  /\.(gz|gzip|bgz|tgz|z|deflate|zlib|bz2?|bzip2?|tbz2?|snappy|sz|lz4|lzo|lzo_deflate|lzma|zstd?|xz|txz|br|passthrough|zip|7z|rar|tar|parquet|avro|orc|seq)$/i

// What a file begins with, byte by byte as characters, and what it is then.
const FORMATS: Readonly<Record<string, string>> = {
  '\x1f\x8b': 'gzip',
  'PK\x03\x04': 'a zip archive',
  'PK\x05\x06': 'a zip archive',
  '\x28\xb5\x2f\xfd': 'zstd',
  BZh: 'bzip2',
  '\x04\x22\x4d\x18': 'lz4',
  '\x02\x21\x4c\x18': 'lz4',
  '\xff\x06\x00\x00sNaPpY': 'snappy',
  '\x89LZO': 'lzo',
  '\xfd7zXZ': 'xz',
  '7z\xbc\xaf': 'a 7z archive',
  'Rar!': 'a rar archive',
  PAR1: 'Parquet',
  'Obj\x01': 'Avro',
  ORC: 'ORC',
  SEQ: 'a Hadoop sequence file',
  '\xff\xfe': 'UTF-16 or UTF-32',
  '\xfe\xff': 'UTF-16',
}
const ADVICE: Readonly<Record<string, string>> = {
  gzip: 'Give it a name that ends in .gz.',
  'UTF-16 or UTF-32': 'Export it as UTF-8.',
  'UTF-16': 'Export it as UTF-8.',
}
// Between two objects on one line. What else some writers take for the end of a line is white space, or becomes so here.
const JOINED = /\}\s*(,|(\\r)?\\n)?\s*\{/

/** Why a file cannot be read, told by its name. */
export function faultOfName(name: string): string | undefined {
  if (/(^|\/)\.{0,2}(\/|$)/.test(name))
    return "Hadoop cannot read a name with an empty, '.' or '..' part. Rename the file."
  if (/(^|\/)(\.[^/]*|_[^/=]*|[^/]*\._COPYING_)$/.test(name))
    return 'Spark takes a name like this for a hidden file. Rename the file.'
  if (name.includes(':') && /[\\{}[\]*?]/.test(name))
    return 'Hadoop cannot read a name with a colon and one of * ? [ ] { } \\ in it. Rename the file.'
  if (PACKED.test(name) && !/\.(gz|deflate)$/.test(name))
    return `files that end in .${name.slice(name.lastIndexOf('.') + 1)} are not read. ${AS_LINES}`
  return undefined
}

/** Why a file with lines that are no JSON object cannot be read, told by its beginning. */
export function faultOfHead(content: Buffer): string | undefined {
  const head = content.subarray(0, 1 << 14)
  const format = formatOf(head.toString('latin1'))
  if (format !== undefined) return `the file is ${format}, not lines of text. ${ADVICE[format] ?? AS_LINES}`
  const text = head.toString().replace(/^[\uFEFF \t\r\n]+/, '')
  if (text.startsWith('[')) return `the file is a JSON array. ${AS_LINES}`
  const first = text.split(/[\r\n]/, 1)[0] ?? ''
  if (first.trimEnd() === '{') return `its JSON goes over several lines. ${AS_LINES}`
  const isJoined = JOINED.test(first.replaceAll('\x1e', ' ').replaceAll('\x85', ' ')) && !isJson(first)
  return isJoined ? `its records are not parted by line breaks. ${AS_LINES}` : undefined
}

function formatOf(bytes: string): string | undefined {
  const sign = Object.keys(FORMATS).find((one) => bytes.startsWith(one))
  if (sign !== undefined) return FORMATS[sign]
  if (bytes.startsWith('ustar', 257)) return 'a tar archive'
  return bytes.slice(0, 8).includes('\0') ? 'binary' : undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
