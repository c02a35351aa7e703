import type { RunPlan } from '../workflows/plan.ts'
import type { Attempt } from '../workflows/run-types.ts'

/** How the deployment wants its Spark script run. */
export interface SparkJobOptions {
  /** `gs://…/script.py`, as it is configured; the release's own lies where set-up has put it. */
  readonly scriptUri: string
  /** What the script of the release must be; absent for a script of the user's own. */
  readonly release?: { readonly size: number; readonly md5: string }
  /** See {@link sparkArguments}. */
  readonly arguments: readonly string[]
  /** Spark's properties, such as `spark.executor.memory`. */
  readonly properties: Readonly<Record<string, string>>
  readonly pythonFileUris: readonly string[]
  readonly jarFileUris: readonly string[]
  readonly copies: SparkCopies
}

/** Where set-up keeps the copies of Spark files that jobs are given: in the state bucket, which clusters cannot write. */
export interface SparkCopies {
  /** `gs://…/`, above the hashes of their contents. */
  readonly folder: string
  /** `gs://…` of the note that says which file has which copy. */
  readonly note: string
}

/** What every job is told, whatever the cluster is configured with: without the first there is no `_SUCCESS` to look for. */
export const JOB_PROPERTIES: Readonly<Record<string, string>> = {
  'spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs': 'true',
}

/** What stands for the paths of an attempt in the arguments of a script. */
export const PLACEHOLDERS = ['raw', 'transformed', 'rejected', 'manifest'] as const

const STANDARD_ARGUMENTS: readonly string[] = [
  '--gcs_path_raw',
  '{raw}',
  '--gcs_path_transformed',
  '{transformed}',
  '--gcs_path_rejected',
  '{rejected}',
  '--manifest',
  '{manifest}',
]

/** The names in braces of some arguments. */
export function placeholdersIn(args: readonly string[]): readonly string[] {
  return args.flatMap((arg) => [...arg.matchAll(/\{([a-z_]+)\}/g)].map(([, name = '']) => name))
}

/**
 * What the script is given. Arguments of the deployment in which no placeholder stands follow the standard ones; with
 * placeholders they are all that the script is given, so that a script may name its arguments as it likes.
 */
export function sparkArguments(own: readonly string[], plan: RunPlan, attempt: Attempt): string[] {
  const values: Readonly<Record<string, string>> = {
    raw: plan.rawPath,
    transformed: attempt.outputPath,
    rejected: attempt.rejectedPath,
    manifest: plan.manifestUri,
  }
  const whole = placeholdersIn(own).length > 0 ? own : [...STANDARD_ARGUMENTS, ...own]
  return whole.map((arg) => arg.replaceAll(/\{([a-z_]+)\}/g, (text, name: string) => values[name] ?? text))
}
