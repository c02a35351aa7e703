import { createHash } from 'node:crypto'
import { invalid } from './errors.ts'

const CASTAGNOLI_REVERSED = 0x82f63b78

/** Eight tables, so that the inner loop takes eight bytes at a time. */
const tables: Uint32Array[] = []
for (let slice = 0; slice < 8; slice++) {
  const table = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    if (slice === 0) {
      let crc = byte
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI_REVERSED : crc >>> 1
      table[byte] = crc
    } else {
      const previous = tables[slice - 1]?.[byte] ?? 0
      table[byte] = (tables[0]?.[previous & 0xff] ?? 0) ^ (previous >>> 8)
    }
  }
  tables.push(table)
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
]

function at(table: Uint32Array, index: number): number {
  return table[index & 0xff] as number
}

/** CRC32C as Cloud Storage writes it: four bytes, big-endian, base64. */
export function crc32c(content: Buffer): string {
  let crc = 0xffffffff
  let offset = 0
  for (; offset + 8 <= content.length; offset += 8) {
    const low = content.readUInt32LE(offset) ^ crc
    const high = content.readUInt32LE(offset + 4)
    crc =
      at(t7, low) ^
      at(t6, low >>> 8) ^
      at(t5, low >>> 16) ^
      at(t4, low >>> 24) ^
      at(t3, high) ^
      at(t2, high >>> 8) ^
      at(t1, high >>> 16) ^
      at(t0, high >>> 24)
  }
  for (; offset < content.length; offset++) crc = at(t0, crc ^ (content[offset] as number)) ^ (crc >>> 8)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE((crc ^ 0xffffffff) >>> 0)
  return bytes.toString('base64')
}

/** MD5 in base64, as in `md5Hash` and `Content-MD5`. */
export function md5(content: Buffer): string {
  return createHash('md5').update(content).digest('base64')
}

/** What the uploader says the content's checksums are. */
export interface DeclaredChecksums {
  crc32c?: string
  md5Hash?: string
}

const known = new WeakMap<Buffer, Required<DeclaredChecksums>>()

/** Both checksums of an object's content. A copy shares the content of its source, so they are reckoned once. */
export function checksumsOf(content: Buffer): Required<DeclaredChecksums> {
  const found = known.get(content) ?? { crc32c: crc32c(content), md5Hash: md5(content) }
  known.set(content, found)
  return found
}

/** Reads `x-goog-hash: crc32c=…,md5=…`. */
export function checksumsOfHeader(header: string | undefined): DeclaredChecksums {
  const declared: DeclaredChecksums = {}
  for (const part of header?.split(',') ?? []) {
    const [, kind, value] = /^\s*(crc32c|md5)=(\S+)\s*$/.exec(part) ?? []
    if (kind === 'crc32c' && value !== undefined) declared.crc32c = value
    if (kind === 'md5' && value !== undefined) declared.md5Hash = value
  }
  return declared
}

/**
 * Refuses content that is not what the uploader declared.
 * @throws StorageError 400
 */
export function verifyChecksums(declared: DeclaredChecksums, actual: Required<DeclaredChecksums>): void {
  if (declared.md5Hash !== undefined && declared.md5Hash !== actual.md5Hash) {
    throw invalid(
      `Provided MD5 hash "${declared.md5Hash}" doesn't match calculated MD5 hash "${actual.md5Hash}".`,
    )
  }
  if (declared.crc32c !== undefined && declared.crc32c !== actual.crc32c) {
    throw invalid(`Provided CRC32C "${declared.crc32c}" doesn't match calculated CRC32C "${actual.crc32c}".`)
  }
}
