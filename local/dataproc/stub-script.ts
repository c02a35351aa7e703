import { randomUUID } from 'node:crypto'
import { unzipSync } from 'node:zlib'
import pMap from 'p-map'
import type { JobStorage } from './job-storage.ts'
import { splitUri } from './storage-client.ts'
import { checkAccounts, enter, type FileAccount, linesOfAccounts, openAccount } from './stub-accounts.ts'
import type { ScriptPaths } from './stub-arguments.ts'
import { faultOfName, RawFileError } from './stub-files.ts'
import { convertLine, linesOf, recordsIn } from './stub-records.ts'

interface Summary {
  rows_read: number
  rows_written: number
  rows_rejected: number
  records_rejected: number
  files_read: number
  files_accounted: number
  rejects_by_reason: Record<string, number>
}

/** How the script ended. */
export type ScriptEnd = { readonly succeeded: true } | { readonly succeeded: false; readonly message: string }

/**
 * Writes what the pipeline's Spark script would have written, in the same order: CSV parts and `_SUCCESS`, rejects if there
 * are any, and `_summary.json` last; or `_failure.json` when a raw file is at fault.
 */
export async function runStubScript(storage: JobStorage, paths: ScriptPaths): Promise<ScriptEnd> {
  for (const path of [paths.transformed, paths.rejected]) {
    const existing = await storage.list(path)
    if (existing.length > 0) {
      return { succeeded: false, message: `${path} exists already. Give every attempt a path of its own.` }
    }
  }
  const write = (uri: string, content: string) => storage.write(uri, content)
  try {
    const summary = await transform(storage, paths, write)
    await write(`${paths.transformed}_summary.json`, JSON.stringify(summary))
    return { succeeded: true }
  } catch (error) {
    if (!(error instanceof RawFileError))
      return { succeeded: false, message: `RuntimeError: ${String(error)}` }
    const { kind, message } = error
    await write(`${paths.transformed}_failure.json`, JSON.stringify({ kind, message }))
    return { succeeded: false, message: `RawFileError: ${message}` }
  }
}

async function transform(
  storage: JobStorage,
  paths: ScriptPaths,
  write: (uri: string, content: string) => Promise<void>,
): Promise<Summary> {
  const files = await rawFiles(storage, paths)
  const written: string[] = []
  const rejects: { file: string; reason: string; record: string }[] = []
  const accounts: FileAccount[] = []
  const contents = await pMap(files, (file) => readRaw(storage, file), { concurrency: 16 })
  for (const [i, file] of files.entries()) {
    const content = contents[i] ?? Buffer.of()
    const account = openAccount(file, content)
    for (const line of linesOf(content.toString())) {
      const result = convertLine(line)
      enter(account, result)
      if ('csv' in result) written.push(`${result.csv}\n`)
      else rejects.push({ file, reason: result.reason, record: line })
    }
    accounts.push(account)
  }
  const run = randomUUID()
  await write(`${paths.transformed}part-00000-${run}-c000.txt`, written.join(''))
  await write(`${paths.transformed}_SUCCESS`, '')
  checkAccounts(accounts)
  if (rejects.length > 0) {
    const lines = rejects.map((reject) => `${JSON.stringify(reject)}\n`)
    await write(`${paths.rejected}part-00000-${run}-c000.json`, lines.join(''))
    await write(`${paths.rejected}_SUCCESS`, '')
  }
  await write(`${paths.transformed}_accounts.ndjson`, linesOfAccounts(accounts))
  const byReason: Record<string, number> = {}
  for (const { reason } of rejects) byReason[reason] = (byReason[reason] ?? 0) + 1
  return {
    rows_read: written.length + rejects.length,
    rows_written: written.length,
    rows_rejected: rejects.length,
    records_rejected: rejects.reduce((sum, { record }) => sum + recordsIn(record), 0),
    files_read: files.length,
    files_accounted: files.length,
    rejects_by_reason: byReason,
  }
}

/** The files of the manifest, or without one those below the raw path. */
async function rawFiles(storage: JobStorage, { raw, manifest }: ScriptPaths): Promise<string[]> {
  if (manifest === undefined) return (await storage.list(raw)).filter((uri) => !uri.endsWith('/'))
  const bucket = `gs://${splitUri(raw).bucket}/`
  const lines = (await storage.read(manifest)).toString().split('\n')
  const names = lines.filter((line) => line.trim() !== '').map((line) => String(JSON.parse(line).name))
  const files = [...new Set(names)].filter((name) => !name.endsWith('/'))
  for (const name of files) {
    const why = faultOfName(name)
    if (why !== undefined) throw new RawFileError('RawFileUnreadable', `${bucket}${name}: ${why}`)
  }
  return files.map((name) => bucket + name)
}

/** A file's bytes, unpacked. */
async function readRaw(storage: JobStorage, file: string): Promise<Buffer> {
  let bytes: Buffer
  try {
    bytes = await storage.read(file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 404)) throw error
    throw new RawFileError('RawFileMissing', `${file}: the file of the batch is not there.`)
  }
  if (!/\.(gz|deflate)$/.test(file) || bytes.length === 0) return bytes
  try {
    return unzipSync(bytes)
  } catch {
    throw new RawFileError('RawFileUnreadable', `${file}: the compressed file is cut off. Export it again.`)
  }
}
