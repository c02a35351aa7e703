import type { AverageSpeedInput } from '../../../workflows/contract.ts'
import { NotAllowedError, PathError, parseFolder, uriOf } from '../../../workflows/paths.ts'
import { checkRequest, InputError, type RequestRules } from '../../../workflows/plan.ts'
import { INPUT_FIELDS } from '../json.ts'
import { Problem } from '../problem.ts'

/**
 * Checks what a run is asked to do, and writes it in one way, so that equal wishes are equal inputs: full URIs, a dotted
 * table, and no path that is the default anyhow.
 * @throws Problem 400 for an input that cannot be used, 403 for one that the deployment does not allow
 */
export function normaliseInput(input: AverageSpeedInput, rules: RequestRules): AverageSpeedInput {
  const { paths, outputTable } = checked(input, rules)
  const { rawPath } = paths
  const defaults = checked({ rawPath }, rules).paths
  const { bucket } = parseFolder('raw_path', rawPath, '')
  const written = (text = ''): string => uriOf(parseFolder('path', text, bucket))
  return {
    rawPath,
    ...(paths.transformedPath !== defaults.transformedPath && {
      transformedPath: written(input.transformedPath),
    }),
    ...(paths.failedPath !== defaults.failedPath && { failedPath: written(input.failedPath) }),
    ...(input.outputTable !== undefined && { outputTable }),
    ...(input.writeDisposition !== undefined && { writeDisposition: input.writeDisposition }),
    ...(input.maxRejects !== undefined && { maxRejects: input.maxRejects }),
    ...(input.maxRejectShare !== undefined && { maxRejectShare: input.maxRejectShare }),
    ...(input.reload !== undefined && { reload: input.reload }),
  }
}

function checked(input: AverageSpeedInput, rules: RequestRules): ReturnType<typeof checkRequest> {
  try {
    return checkRequest(input, rules)
  } catch (error) {
    if (error instanceof NotAllowedError) throw new Problem(403, error.message, { cause: error })
    if (error instanceof PathError || error instanceof InputError)
      throw new Problem(400, error.message, { cause: error })
    throw error
  }
}

/** The fields in which two inputs differ, in the contract's order. */
export function differences(
  a: AverageSpeedInput,
  b: AverageSpeedInput,
): readonly (keyof AverageSpeedInput)[] {
  const fields = Object.keys(INPUT_FIELDS) as (keyof AverageSpeedInput)[]
  return fields.filter((field) => a[field] !== b[field])
}
