import { isOngoing, type RunJson } from '../../gateway/schemas/run.ts'
import { type Line, paint } from '../output.ts'
import { durationText, statusText, stepLine } from './text.ts'

/** A run as lines: heading, steps, what is being tried again, result or failure. */
export function runLines(run: RunJson, now: Date): readonly Line[] {
  return [
    headingLine(run, now),
    ...run.steps.map((step) => stepLine(step, now)),
    ...[...troubleLines(run), ...outcomeLines(run)].map((line) => ['  ', ...line]),
  ]
}

/** The run's id, batch, state and age in one line. */
function headingLine(run: RunJson, now: Date): Line {
  const end = run.ended_at === undefined ? now.getTime() : Date.parse(run.ended_at)
  const age = durationText(Math.max(0, end - Date.parse(run.started_at)))
  return [paint('bold', run.run_id), '  ', statusText(run.status), `  ${age}`]
}

function troubleLines(run: RunJson): readonly Line[] {
  return run.activities
    .filter((activity) => activity.last_failure !== undefined)
    .map(({ name, attempt, last_failure: failure }) =>
      warning(`${name}, try ${attempt}; the last one failed: ${failure}`),
    )
}

/** What came of an ended run; nothing while it goes on. */
export function outcomeLines(run: RunJson): readonly Line[] {
  const { result, failure } = run
  const lines: Line[] = []
  if (result !== undefined) {
    lines.push(
      [`${result.rows_loaded ?? 0} rows in ${result.output_table ?? 'the table'}${rejectedText(result)}`],
      [`${result.files_archived ?? 0} files moved to ${result.processed_path ?? 'the processed bucket'}`],
      ...clusterLine(result),
      ...(result.receipt_uri === undefined ? [] : [[`receipt: ${result.receipt_uri}`]]),
      ...(result.replaced_batch === undefined ? [] : [[`replaced the batch ${result.replaced_batch}`]]),
      ...(result.cancelled_too_late ? [['the cancel came too late: the load had begun']] : []),
      ...(result.not_cleaned ?? []).map(warning),
    )
  }
  if (failure !== undefined) {
    const where = failure.step === undefined ? '' : ` in ${failure.step}`
    lines.push(
      [paint('red', failure.type), `${where}: ${failure.message}`],
      ...(failure.raw_files_at === undefined ? [] : [[`the raw files are at ${failure.raw_files_at}`]]),
      ...(failure.not_cleaned ?? []).map(warning),
    )
  }
  if (!isOngoing(run.status)) lines.push([paint('dim', run.links.web_ui)])
  return lines
}

function warning(sentence: string): Line {
  return [paint('yellow', '!'), ` ${sentence}`]
}

type Result = NonNullable<RunJson['result']>

function rejectedText({ loaded_before, rows_rejected }: Result): string {
  const before = loaded_before ? ' (loaded before)' : ''
  return rows_rejected === undefined ? before : `${before}, ${rows_rejected} rejected`
}

function clusterLine({ cluster_seconds, waiting_seconds = 0 }: Result): readonly Line[] {
  if (!cluster_seconds) return []
  return [
    [`${cluster_seconds.toFixed(1)} cluster seconds, ${waiting_seconds.toFixed(1)} of them without a job`],
  ]
}
