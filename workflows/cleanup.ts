import { CancellationScope } from '@temporalio/workflow'
import { sentenceOf } from './failures.ts'

/** Undoes one step. The first call does it; every later one waits for the same outcome. Never rejects. */
export type Undo = () => Promise<void>

/** The saga's compensations. Each is armed before the step that it undoes. */
export interface Cleanup {
  /**
   * Arms a compensation. What is armed already stays as it is.
   * @param what names it for the report, as in 'the cluster average-speed-1f'
   * @returns runs it now, before the end of the run
   */
  arm(what: string, undo: () => Promise<unknown>): Undo
  /** Forgets a compensation for which there is no need any more. */
  disarm(undo: Undo): void
  /** Runs all that is armed, the last armed first. */
  run(): Promise<void>
  /** What could not be undone, each a sentence (P11). */
  readonly notCleaned: readonly string[]
}

/** An empty list of compensations, which run outside the reach of a cancel. */
export function createCleanup(): Cleanup {
  const armed = new Map<string, Undo>()
  const notCleaned: string[] = []
  return {
    notCleaned,
    arm(what, undo) {
      const known = armed.get(what)
      if (known !== undefined) return known
      let outcome: Promise<void> | undefined
      const once: Undo = () => {
        outcome ??= CancellationScope.nonCancellable(undo).then(
          () => undefined,
          (error: unknown) => {
            notCleaned.push(`${what}: ${sentenceOf(error)}`)
          },
        )
        return outcome
      }
      armed.set(what, once)
      return once
    },
    disarm(undo) {
      for (const [what, one] of armed) if (one === undo) armed.delete(what)
    },
    async run() {
      for (const undo of [...armed.values()].toReversed()) await undo()
    },
  }
}
