import { createWriteStream, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gunzipSync } from 'node:zlib'

const SAMPLE = join(import.meta.dirname, '..', '..', 'local', 'sample', 'nyc-tlc-yellow-2019-03.ndjson.gz')
const DAY_MS = 86_400_000
const TIME = /"((?:pickup|dropoff)_datetime)":"([^"]+) UTC"/g

/** Writes the sample over and over, a day later each time, until there are so many trips. @returns bytes */
export async function writeTrips(folder: string, rows: number, files: number): Promise<number> {
  mkdirSync(folder, { recursive: true })
  const sample = gunzipSync(readFileSync(SAMPLE)).toString().trimEnd().split('\n')
  let bytes = 0
  for (let file = 0; file < files; file++) {
    const [first, last] = [file, file + 1].map((edge) => Math.round((rows * edge) / files))
    const name = join(folder, `nyc-tlc-yellow-${String(file).padStart(12, '0')}.json`)
    const target = createWriteStream(name)
    await pipeline(Readable.from(chunksOf(sample, first ?? 0, last ?? 0)), target)
    bytes += target.bytesWritten
  }
  return bytes
}

function* chunksOf(sample: readonly string[], first: number, last: number): Generator<string> {
  for (let row = first; row < last; ) {
    const days = Math.floor(row / sample.length)
    const end = Math.min(last, (days + 1) * sample.length)
    yield sample
      .slice(row % sample.length, (row % sample.length) + end - row)
      .map((line) => `${line.replaceAll(TIME, (_, name, time) => `"${name}":"${later(time, days)} UTC"`)}\n`)
      .join('')
    row = end
  }
}

function later(time: string, days: number): string {
  const moved = new Date(Date.parse(`${time.replace(' ', 'T')}Z`) + days * DAY_MS)
  return moved.toISOString().slice(0, 19).replace('T', ' ')
}
