import { isOngoing, type RunJson } from '../../gateway/schemas/run.ts'
import { durationText, type Paint, statusText, stepLine } from './text.ts'

/** A run as lines: heading, steps, what is being tried again, result or failure. */
export function runLines(run: RunJson, now: Date, paint: Paint): readonly string[] {
  return [
    headingLine(run, now, paint),
    ...run.steps.map((step) => stepLine(step, now, paint)),
    ...troubleLines(run, paint),
    ...outcomeLines(run, paint),
  ]
}

/** The run's id, batch, state and age in one line. */
export function headingLine(run: RunJson, now: Date, paint: Paint): string {
  const end = run.ended_at === undefined ? now.getTime() : Date.parse(run.ended_at)
  const age = durationText(Math.max(0, end - Date.parse(run.started_at)))
  return `${paint('bold', run.run_id)}  ${statusText(run.status, paint)}  ${age}`
}

function troubleLines(run: RunJson, paint: Paint): readonly string[] {
  return run.activities
    .filter((activity) => activity.last_failure !== undefined)
    .map(
      (activity) =>
        `  ${paint('yellow', '!')} ${activity.name}, try ${activity.attempt}; the last one failed: ${activity.last_failure}`,
    )
}

/** What came of an ended run; nothing while it goes on. */
export function outcomeLines(run: RunJson, paint: Paint): readonly string[] {
  const { result, failure } = run
  const lines: string[] = []
  if (result !== undefined) {
    lines.push(
      `  ${result.rows_loaded ?? 0} rows in ${result.output_table ?? 'the table'}${rejectedText(result)}`,
      `  ${result.files_archived ?? 0} files moved to ${result.processed_path ?? 'the processed bucket'}`,
      ...clusterLine(result),
      ...(result.receipt_uri === undefined ? [] : [`  receipt: ${result.receipt_uri}`]),
      ...(result.replaced_batch === undefined ? [] : [`  replaced the batch ${result.replaced_batch}`]),
      ...(result.cancelled_too_late ? ['  the cancel came too late: the load had begun'] : []),
      ...(result.not_cleaned ?? []).map((sentence) => `  ${paint('yellow', '!')} ${sentence}`),
    )
  }
  if (failure !== undefined) {
    lines.push(
      `  ${paint('red', failure.type)}${failure.step === undefined ? '' : ` in ${failure.step}`}: ${failure.message}`,
      ...(failure.raw_files_at === undefined ? [] : [`  the raw files are at ${failure.raw_files_at}`]),
      ...(failure.not_cleaned ?? []).map((sentence) => `  ${paint('yellow', '!')} ${sentence}`),
    )
  }
  if (!isOngoing(run.status)) lines.push(`  ${paint('dim', run.links.web_ui)}`)
  return lines
}

type Result = NonNullable<RunJson['result']>

function rejectedText({ loaded_before, rows_rejected }: Result): string {
  const before = loaded_before ? ' (loaded before)' : ''
  return rows_rejected === undefined ? before : `${before}, ${rows_rejected} rejected`
}

function clusterLine({ cluster_seconds, waiting_seconds = 0 }: Result): readonly string[] {
  if (!cluster_seconds) return []
  return [
    `  ${cluster_seconds.toFixed(1)} cluster seconds, ${waiting_seconds.toFixed(1)} of them without a job`,
  ]
}
