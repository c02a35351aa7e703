import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { temporal } from '@temporalio/proto'
import proto from '@temporalio/proto'

type History = temporal.api.history.v1.IHistory
const { History } = proto.temporal.api.history.v1

const FOLDER = join(import.meta.dirname, 'histories')

/** Names of the recorded histories, as `version/shape`, sorted. */
export async function recordedHistories(): Promise<string[]> {
  const names = await readdir(FOLDER, { recursive: true })
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort()
}

/** Reads a history. @param name `version/shape` */
export async function readHistory(name: string): Promise<History> {
  return History.fromObject(JSON.parse(await readFile(join(FOLDER, `${name}.json`), 'utf8')))
}

/** Writes a history as JSON: names of enums as words, 64-bit numbers as text, payloads in base64. @returns its size in events */
export async function writeHistory(name: string, history: History): Promise<number> {
  const file = join(FOLDER, `${name}.json`)
  const json = History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String })
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, `${JSON.stringify(json, withoutThisMachine)}\n`)
  return history.events?.length ?? 0
}

/** Leaves out what tells of the machine that recorded, which no replay looks at. */
function withoutThisMachine(key: string, value: unknown): unknown {
  if (key === 'stackTrace') return ''
  // Who polled is told as process@host, and the queue of its cached runs after it.
  return typeof value === 'string' && /^\d+@/.test(value) ? 'recorder' : value
}
