import { isDeepStrictEqual } from 'node:util'
import { attemptOf, isAttemptKey } from '../workflows/attempt-names.ts'
import type { AverageSpeedInput } from '../workflows/contract.ts'
import { PathError } from '../workflows/paths.ts'
import { InputError, type Nameable, planRun, type RunDefaults, type RunPlan } from '../workflows/plan.ts'
import type { Attempt } from '../workflows/run-types.ts'
import { failure } from './failures.ts'

declare const confirmed: unique symbol

/** A plan that this worker has made itself, from a run's input and its own settings. */
export type ConfirmedPlan = RunPlan & { readonly [confirmed]: true }

/**
 * Makes the plan of an input.
 * @param named as for {@link planRun}
 * @throws InvalidInput
 */
export function confirmedPlanOf(
  input: AverageSpeedInput,
  defaults: RunDefaults,
  named?: readonly Nameable[],
): ConfirmedPlan {
  try {
    return planRun(input, defaults, named) as ConfirmedPlan
  } catch (error) {
    if (error instanceof InputError || error instanceof PathError)
      throw failure('InvalidInput', error.message)
    throw error
  }
}

/**
 * Makes the plan that an activity was given anew. What comes with a call may have been written by anybody who can write to
 * the namespace, so a path in it counts only if it follows from the input.
 * @throws InvalidInput when it does not
 */
export function confirmPlan(given: RunPlan, defaults: RunDefaults): ConfirmedPlan {
  const named = Array.isArray(given?.named) ? given.named : []
  const plan = confirmedPlanOf(given?.input, defaults, named)
  const differing = Object.keys({ ...plan, ...given }).find(
    (key) => !isDeepStrictEqual(plan[key as keyof RunPlan], given[key as keyof RunPlan]),
  )
  if (differing === undefined) return plan
  throw failure(
    'InvalidInput',
    `The run's plan does not follow from its input by this worker's settings (${differing} differs). If the settings have changed since it began, start it again.`,
  )
}

/**
 * Makes the attempt that an activity was given anew.
 * @throws InvalidInput when its names do not follow from its key and the plan
 */
export function confirmAttempt(plan: ConfirmedPlan, given: Attempt): Attempt {
  const { number, key, zone } = given ?? {}
  if (isAttemptKey(key)) {
    const attempt = attemptOf(plan, number, key, zone)
    if (isDeepStrictEqual({ ...attempt }, { ...given })) return attempt
  }
  throw failure('InvalidInput', "The attempt's names do not follow from its key and the run's plan.")
}
