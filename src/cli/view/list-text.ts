import type { RunSummaryJson } from '../../gateway/schemas/run.ts'
import { type Line, paint } from '../output.ts'
import { durationText, statusText } from './text.ts'

/** Runs as a table: id, state, begin, time taken, step, batch. */
export function listLines(runs: readonly RunSummaryJson[], now: Date): readonly Line[] {
  if (runs.length === 0) return [['There are no such runs.']]
  const width = Math.max(...runs.map((run) => run.run_id.length), 'run'.length)
  const heading = `${'run'.padEnd(width)}  ${'state'.padEnd(10)}  ${'begun (UTC)'.padEnd(19)}  ${'time'.padStart(9)}  batch`
  return [[paint('dim', heading)], ...runs.map((run) => lineOf(run, width, now))]
}

function lineOf(run: RunSummaryJson, width: number, now: Date): Line {
  const begun = new Date(run.started_at)
  const end = run.ended_at === undefined ? now : new Date(run.ended_at)
  const time = durationText(Math.max(0, end.getTime() - begun.getTime()))
  const step = run.status === 'running' && run.step !== undefined ? ['  ', paint('dim', run.step)] : []
  return [
    `${run.run_id.padEnd(width)}  `,
    statusText(run.status),
    ' '.repeat(Math.max(0, 10 - run.status.length)),
    `  ${run.started_at.slice(0, 19).replace('T', ' ')}  ${time.padStart(9)}  ${run.raw_path ?? ''}`,
    ...step,
  ]
}
