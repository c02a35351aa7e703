import { stripVTControlCharacters } from 'node:util'
import { isOngoing, type RunJson } from '../../gateway/schemas/run.ts'
import { outcomeLines, runLines } from './run-text.ts'
import { painterFor, stepLine } from './text.ts'

/** Shows a run that is being followed. */
export interface View {
  show(run: RunJson): void
}

type Output = NodeJS.WriteStream

/** The view that fits where the output goes: JSON lines, a list that is kept up to date, or one line a change. */
export function viewFor(output: Output, json: boolean): View {
  if (json) return jsonView(output)
  return output.isTTY ? liveView(output) : lineView(output)
}

/** The whole run, one JSON document a line, whenever it has changed. */
export function jsonView(output: Output): View {
  let last = ''
  return {
    show(run) {
      const line = JSON.stringify(run)
      if (line !== last) output.write(`${line}\n`)
      last = line
    },
  }
}

/** One line for each step that has begun or ended, then what came of the run. */
export function lineView(output: Output): View {
  const paint = painterFor(output)
  const states = new Map<string, string>()
  return {
    show(run) {
      for (const step of run.steps) {
        if (step.state === 'pending' || states.get(step.name) === step.state) continue
        states.set(step.name, step.state)
        const at = step.ended_at ?? step.started_at ?? new Date().toISOString()
        output.write(`${at.slice(11, 19)} ${step.state.padEnd(9)}${stepLine(step, new Date(), paint)}\n`)
      }
      for (const line of outcomeLines(run, paint)) output.write(`${line.trimStart()}\n`)
    },
  }
}

/** The run as a list that is written over itself. */
export function liveView(output: Output): View {
  const paint = painterFor(output)
  let height = 0
  return {
    show(run) {
      const lines = runLines(run, new Date(), paint)
      const width = output.columns || 80
      // A line that wraps would break the count of lines to go back.
      const ended = !isOngoing(run.status)
      const shown = ended ? lines : lines.map((line) => fitted(line, width))
      output.write(`${height > 0 ? `\x1b[${height}A\x1b[0J` : ''}${shown.join('\n')}\n`)
      height = shown.length
    },
  }
}

function fitted(line: string, width: number): string {
  const plain = stripVTControlCharacters(line)
  return plain.length < width ? line : `${plain.slice(0, width - 2)}…`
}
