import { callerFolder, PathError, type PathRules } from '../workflows/paths.ts'
import { listOf } from './environment.ts'

/** What a request may name beside the deployment's own table and the paths beside the raw path. */
export interface CallerRules {
  /** Each `project.dataset.table`, or `project.dataset.*`. */
  readonly allowedTables: readonly string[]
  /** Each `gs://bucket/folder/`. */
  readonly callerFolders: readonly string[]
}

// The form of BQ_OUTPUT_TABLE; an asterisk stands for all tables of a dataset, and only alone.
const TABLE = /^[^.:`*]+[.:][^.:`*]+\.([^.:`*]+|\*)$/

/** Reads the rules, with what is wrong with them, a sentence each that begins with the variable. */
export function callerRules(
  v: { readonly ALLOWED_TABLES?: string; readonly CALLER_FOLDERS?: string },
  paths: PathRules,
): { readonly rules: CallerRules; readonly faults: readonly string[] } {
  const tables = listOf(v.ALLOWED_TABLES ?? '')
  const folders = listOf(v.CALLER_FOLDERS ?? '').map((folder) => folderOf(folder, paths))
  const faults = [
    ...tables
      .filter((table) => !TABLE.test(table))
      .map((table) => `ALLOWED_TABLES names ${JSON.stringify(table)}, which is not project.dataset.table`),
    ...folders.flatMap((folder) => ('fault' in folder ? [folder.fault] : [])),
  ]
  const rules = {
    allowedTables: tables.map((table) => table.replace(':', '.')),
    callerFolders: folders.flatMap((folder) => ('uri' in folder ? [folder.uri] : [])),
  }
  return { rules, faults }
}

function folderOf(
  text: string,
  { rawBucket, allowedBuckets }: PathRules,
): { readonly uri: string } | { readonly fault: string } {
  try {
    const uri = callerFolder('CALLER_FOLDERS', text, rawBucket)
    if (allowedBuckets.some((bucket) => uri.startsWith(`gs://${bucket}/`))) return { uri }
    return { fault: `CALLER_FOLDERS names ${uri}, whose bucket is not in ALLOWED_BUCKETS` }
  } catch (error) {
    if (error instanceof PathError) return { fault: error.message }
    throw error
  }
}
