/**
 * From what a run was asked to do to what it will do. Pure: the gateway checks a request with it before it starts
 * anything, and the workflow checks its input with it again, since runs are also started from the Web UI.
 */

import { type AverageSpeedInput, WRITE_DISPOSITIONS, type WriteDisposition } from './contract.ts'
import {
  type BatchPaths,
  batchPaths,
  type CallerRules,
  failedFolder,
  NotAllowedError,
  type PathRules,
} from './paths.ts'

/** What callers may choose. */
export interface RequestRules {
  readonly paths: PathRules
  /** Folders, `gs://…/`, below which a caller may put the transformed and the failed path. */
  readonly callerFolders: readonly string[]
  /** The deployment's own table: `project.dataset.table` */
  readonly outputTable: string
  /** Further tables that a caller may name; `project.dataset.*` allows those that the pipeline has made in a dataset. */
  readonly allowedTables: readonly string[]
}

/** What a deployment sets for all its runs. */
export interface RunDefaults extends RequestRules {
  /** Bucket of the worker's own notes. */
  readonly stateBucket: string
  /** Default: WRITE_TRUNCATE. */
  readonly writeDisposition?: WriteDisposition
  readonly maxRejects: number
  readonly maxRejectShare: number
}

/** What a batch is loaded with, so that a later run may ask for something else. */
const NAMEABLE = ['outputTable', 'writeDisposition'] as const
export type Nameable = (typeof NAMEABLE)[number]

/** Everything a run needs to know before its first call, checked. */
export interface RunPlan extends BatchPaths {
  /** What the plan was made from, each choice written out. Who is given a plan can make it anew. */
  readonly input: AverageSpeedInput
  /** Choices in the input that the caller has made; the others are the deployment's defaults when the run began. */
  readonly named: readonly Nameable[]
  readonly outputTable: string
  readonly writeDisposition: WriteDisposition
  readonly maxRejects: number
  readonly maxRejectShare: number
  readonly reload?: string
  /** `gs://…/` of the worker's own notes on the batch: its claim, and where it was archived. */
  readonly notesPath: string
  /** `gs://…` of the list of the batch's files. */
  readonly manifestUri: string
}

/** Says what is wrong with an input, in one sentence that names the field as callers spell it. */
export class InputError extends Error {
  override readonly name = 'InputError'
}

const FIELDS = {
  rawPath: 'string',
  transformedPath: 'string',
  failedPath: 'string',
  outputTable: 'string',
  writeDisposition: 'string',
  maxRejects: 'number',
  maxRejectShare: 'number',
  reload: 'string',
} as const satisfies Record<keyof AverageSpeedInput, 'string' | 'number'>

// Project, dataset and table ids: https://cloud.google.com/bigquery/docs/tables#table_naming. A legacy project may be
// scoped by a domain (`example.com:project`).
const TABLE =
  /^((?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9])[.:]([A-Za-z0-9_]{1,1024})\.([\p{L}\p{N}_ -]{1,1024})$/u

/**
 * Checks an input and fills in what it leaves open.
 * @param named choices that the caller has made, for an input in which the defaults are written out
 * @throws InputError, PathError or NotAllowedError, which tell the caller what to change
 */
export function planRun(
  input: AverageSpeedInput,
  defaults: RunDefaults,
  named?: readonly Nameable[],
): RunPlan {
  const { paths, outputTable } = checkRequest(input, defaults)
  const { rawPath, transformedPath, failedPath, reload } = input
  const choices = {
    outputTable,
    writeDisposition: input.writeDisposition ?? defaults.writeDisposition ?? 'WRITE_TRUNCATE',
    maxRejects: input.maxRejects ?? defaults.maxRejects,
    maxRejectShare: input.maxRejectShare ?? defaults.maxRejectShare,
    ...(reload !== undefined && { reload }),
  }
  const batch = paths.rawPath.slice('gs://'.length)
  const state = `gs://${defaults.stateBucket}`
  return {
    ...paths,
    ...choices,
    failedPath: failedFolder(paths, reload),
    named: NAMEABLE.filter((choice) =>
      named === undefined ? input[choice] !== undefined : named.includes(choice),
    ),
    input: {
      rawPath,
      ...(transformedPath !== undefined && { transformedPath }),
      ...(failedPath !== undefined && { failedPath }),
      ...choices,
    },
    notesPath: `${state}/batches/${batch}`,
    manifestUri: `${state}/manifests/${batch}manifest${reload === undefined ? '' : `-${reload}`}.ndjson`,
  }
}

/**
 * Checks what a caller asks for. The gateway does so before it starts a run, and the worker before it plans one.
 * @throws InputError, PathError or NotAllowedError, which tell the caller what to change
 */
export function checkRequest(
  input: AverageSpeedInput,
  rules: RequestRules,
): { readonly paths: BatchPaths; readonly outputTable: string } {
  checkFields(input)
  const callerRules: CallerRules = { ...rules.paths, callerFolders: rules.callerFolders }
  const paths = batchPaths(input, callerRules)
  const { reload } = input
  if (reload !== undefined && !/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/.test(reload)) {
    throw new InputError(
      'reload must be a label of lower-case letters, digits and hyphens, at most 40 of them.',
    )
  }
  const outputTable = tableId(input.outputTable ?? rules.outputTable)
  if (!isNamedTable(outputTable, rules) && !rules.allowedTables.includes(datasetOf(outputTable))) {
    throw new NotAllowedError(
      `output_table names ${JSON.stringify(outputTable)}, which this deployment does not allow.`,
    )
  }
  return { paths, outputTable }
}

/** Whether the deployment names a table, so that its rows may be replaced whoever made it. */
export function isNamedTable(
  table: string,
  { outputTable, allowedTables }: Pick<RequestRules, 'outputTable' | 'allowedTables'>,
): boolean {
  return table === tableId(outputTable) || allowedTables.includes(table)
}

/** How {@link RequestRules.allowedTables} names all tables of a table's dataset. */
function datasetOf(table: string): string {
  return `${table.slice(0, table.lastIndexOf('.'))}.*`
}

/**
 * `project.dataset.table`, from that or from the older `project:dataset.table`.
 * @throws InputError
 */
export function tableId(text: string): string {
  const match = TABLE.exec(text)
  if (match === null) {
    throw new InputError(
      `output_table must be project.dataset.table, not ${JSON.stringify(text.slice(0, 120))}.`,
    )
  }
  return `${match[1]}.${match[2]}.${match[3]}`
}

function checkFields(input: AverageSpeedInput): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new InputError(
      'The input must be one object, such as {"rawPath": "gs://bucket/exports/raw-2019-03-01T000000/"}.',
    )
  }
  for (const [name, value] of Object.entries(input)) {
    const expected = (FIELDS as Record<string, string | undefined>)[name]
    if (expected === undefined) {
      throw new InputError(
        `The input has no field ${JSON.stringify(name)}; it has ${Object.keys(FIELDS).join(', ')}.`,
      )
    }
    if (value !== undefined && typeof value !== expected)
      throw new InputError(`${name} must be a ${expected}.`)
  }
  if (input.rawPath === undefined) throw new InputError('raw_path is missing.')
  if (input.writeDisposition !== undefined && !WRITE_DISPOSITIONS.includes(input.writeDisposition)) {
    throw new InputError(`write_disposition must be one of ${WRITE_DISPOSITIONS.join(', ')}.`)
  }
  const { maxRejects = 0, maxRejectShare = 0 } = input
  if (!Number.isSafeInteger(maxRejects) || maxRejects < 0) {
    throw new InputError('max_rejects must be a whole number, 0 or more.')
  }
  if (!(maxRejectShare >= 0 && maxRejectShare <= 1))
    throw new InputError('max_reject_share must be between 0 and 1.')
}
