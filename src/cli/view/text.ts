import type { RunJson } from '../../gateway/schemas/run.ts'
import { type Line, type Part, paint } from '../output.ts'

type Step = RunJson['steps'][number]
type Style = Parameters<typeof paint>[0]

const MARKS: Readonly<Record<Step['state'], readonly [mark: string, style: Style]>> = {
  pending: ['·', 'dim'],
  running: ['>', 'cyan'],
  done: ['+', 'green'],
  failed: ['x', 'red'],
  cancelled: ['-', 'yellow'],
  skipped: ['-', 'dim'],
}

const STATUS_STYLES: Readonly<Record<RunJson['status'], Style>> = {
  queued: 'yellow',
  running: 'cyan',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'yellow',
  terminated: 'red',
  timed_out: 'red',
}

/** The words for a status, coloured. */
export function statusText(status: RunJson['status']): Part {
  return paint(STATUS_STYLES[status] ?? 'dim', status.replace('_', ' '))
}

/** A step in one line: mark, name, time taken, detail. */
export function stepLine(step: Step, now: Date): Line {
  const [mark, style] = MARKS[step.state] ?? ['?', 'dim']
  const time = step.started_at === undefined ? '' : durationText(timeOf(step, now))
  const detail = step.detail ?? (step.state === 'pending' || step.state === 'done' ? '' : step.state)
  const begin = ['  ', paint(style, `${mark} ${step.name.padEnd(16)}`), ` ${time.padStart(8)}`]
  return detail === '' ? begin : [...begin, '  ', paint('dim', detail)]
}

function timeOf(step: Step, now: Date): number {
  const end = step.ended_at === undefined ? now.getTime() : Date.parse(step.ended_at)
  return Math.max(0, end - Date.parse(step.started_at ?? ''))
}

/** A time in the two units that matter: `0.8 s`, `41 s`, `3 m 05 s`, `2 h 10 m`. */
export function durationText(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.floor(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`
}
