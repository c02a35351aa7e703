import type { AverageSpeedInput } from '../../../workflows/contract.ts'
import { BucketNotAllowedError, batchPaths, PathError, type PathRules } from '../../../workflows/paths.ts'
import { INPUT_FIELDS } from '../json.ts'
import { Problem } from '../problem.ts'

/**
 * Checks what a run is asked to do, and writes it in one way, so that equal wishes are equal inputs: full URIs, a dotted
 * table, and no path that is the default anyhow.
 * @throws Problem 400 for a path that cannot be used, 403 for a bucket that is not allowed
 */
export function normaliseInput(input: AverageSpeedInput, rules: PathRules): AverageSpeedInput {
  const paths = checkedPaths(input, rules)
  const defaults = batchPaths({ rawPath: paths.rawPath }, rules)
  return {
    rawPath: paths.rawPath,
    ...(paths.transformedPath !== defaults.transformedPath && { transformedPath: paths.transformedPath }),
    ...(paths.failedPath !== defaults.failedPath && { failedPath: paths.failedPath }),
    ...(input.outputTable !== undefined && { outputTable: input.outputTable.replace(':', '.') }),
    ...(input.writeDisposition !== undefined && { writeDisposition: input.writeDisposition }),
    ...(input.maxRejects !== undefined && { maxRejects: input.maxRejects }),
    ...(input.maxRejectShare !== undefined && { maxRejectShare: input.maxRejectShare }),
    ...(input.reload !== undefined && { reload: input.reload }),
  }
}

function checkedPaths(input: AverageSpeedInput, rules: PathRules): ReturnType<typeof batchPaths> {
  try {
    return batchPaths(input, rules)
  } catch (error) {
    if (error instanceof BucketNotAllowedError) throw new Problem(403, error.message, { cause: error })
    if (error instanceof PathError) throw new Problem(400, error.message, { cause: error })
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
