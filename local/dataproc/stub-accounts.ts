import { splitUri } from './storage-client.ts'
import { faultOfHead, RawFileError } from './stub-files.ts'
import { type LineResult, REQUIRED } from './stub-records.ts'

/** What became of the lines of one file. */
export interface FileAccount {
  readonly file: string
  readonly content: Buffer
  written: number
  rejected: number
  /** Lines that are one JSON object. */
  objects: number
  /** Those of the required columns that some record has. */
  readonly required: Set<string>
}

export function openAccount(file: string, content: Buffer): FileAccount {
  return { file, content, written: 0, rejected: 0, objects: 0, required: new Set() }
}

/** Enters a line. */
export function enter(account: FileAccount, result: LineResult): void {
  if ('csv' in result) account.written++
  else account.rejected++
  if (result.required === undefined) return
  account.objects++
  for (const name of result.required) account.required.add(name)
}

/**
 * What the script looks for once it has read everything.
 * @throws RawFileError for a file of another format, and for columns that are missing
 */
export function checkAccounts(accounts: readonly FileAccount[]): void {
  for (const { file, content, objects, written, rejected } of accounts) {
    const why = objects < written + rejected ? faultOfHead(content) : undefined
    if (why !== undefined) throw new RawFileError('RawFileUnreadable', `${file}: ${why}`)
  }
  const filled = accounts.filter(({ objects }) => objects > 0)
  for (const column of REQUIRED) {
    const [first, ...more] = filled.filter(({ required }) => !required.has(column))
    if (first === undefined) continue
    if (more.length + 1 === filled.length) {
      throw new RawFileError(
        'RawColumnsMissing',
        `${first.file}: no record of it, nor of any other file of the batch, has ${column}. Do the files belong to another job, or have the columns other names now? Export them with the columns of this job, or send the batch to its own.`,
      )
    }
    const others = more.length > 0 ? `, and so it is with ${more.length} more files` : ''
    throw new RawFileError(
      'RawFileUnreadable',
      `${first.file}: no record of it has ${column}${others}. Export it with the columns of the batch's other files.`,
    )
  }
}

/** The accounts as the script writes them, a line for each file. */
export function linesOfAccounts(accounts: readonly FileAccount[]): string {
  const lines = accounts.map(({ file, written, rejected }) => {
    const counts = { rows_read: written + rejected, rows_written: written, rows_rejected: rejected }
    return `${JSON.stringify({ name: splitUri(file).name, ...counts })}\n`
  })
  return lines.join('')
}
