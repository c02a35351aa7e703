import { isOngoing, type RunJson } from '../../gateway/schemas/run.ts'
import { print, printJson, printOver } from '../output.ts'
import { outcomeLines, runLines } from './run-text.ts'
import { stepLine } from './text.ts'

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
      const text = JSON.stringify(run)
      if (text !== last) printJson(run, undefined, output)
      last = text
    },
  }
}

/** One line for each step that has begun or ended, then what came of the run. */
export function lineView(output: Output): View {
  const states = new Map<string, string>()
  return {
    show(run) {
      for (const step of run.steps) {
        if (step.state === 'pending' || states.get(step.name) === step.state) continue
        states.set(step.name, step.state)
        const at = step.ended_at ?? step.started_at ?? new Date().toISOString()
        print([`${at.slice(11, 19)} ${step.state.padEnd(9)}`, ...stepLine(step, new Date())], output)
      }
      for (const line of outcomeLines(run)) print(line, output)
    },
  }
}

/** The run as a list that is written over itself. */
export function liveView(output: Output): View {
  let height = 0
  return {
    show(run) {
      const lines = runLines(run, new Date())
      const ended = !isOngoing(run.status)
      height = printOver(lines, output, { height, ...(!ended && { width: output.columns || 80 }) })
    },
  }
}
