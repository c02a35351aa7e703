import type { RunSummaryJson } from '../../gateway/schemas/run.ts'
import { durationText, type Paint, statusText } from './text.ts'

/** Runs as a table: id, state, begin, time taken, step, batch. */
export function listLines(runs: readonly RunSummaryJson[], now: Date, paint: Paint): readonly string[] {
  if (runs.length === 0) return ['There are no such runs.']
  const width = Math.max(...runs.map((run) => run.run_id.length), 'run'.length)
  return [
    paint(
      'dim',
      `${'run'.padEnd(width)}  ${'state'.padEnd(10)}  ${'begun (UTC)'.padEnd(19)}  ${'time'.padStart(9)}  batch`,
    ),
    ...runs.map((run) => line(run, width, now, paint)),
  ]
}

function line(run: RunSummaryJson, width: number, now: Date, paint: Paint): string {
  const begun = new Date(run.started_at)
  const end = run.ended_at === undefined ? now : new Date(run.ended_at)
  const time = durationText(Math.max(0, end.getTime() - begun.getTime()))
  const status = statusText(run.status, paint) + ' '.repeat(Math.max(0, 10 - run.status.length))
  const batch =
    run.status === 'running' && run.step !== undefined
      ? `${run.raw_path}  ${paint('dim', run.step)}`
      : run.raw_path
  return `${run.run_id.padEnd(width)}  ${status}  ${run.started_at.slice(0, 19).replace('T', ' ')}  ${time.padStart(9)}  ${batch ?? ''}`.trimEnd()
}
