/** What an attempt's cluster, job and folders are called. Pure, so that whoever is told of an attempt can check it. */

import type { RunPlan } from './plan.ts'
import type { Attempt } from './run-types.ts'

/**
 * One try of cluster and job. All its names follow from its key.
 * @param key 32 hexadecimal digits
 */
export function attemptOf(
  plan: Pick<RunPlan, 'transformedPath' | 'rejectedPath'>,
  number: number,
  key: string,
  zone: string | undefined,
): Attempt {
  return {
    number,
    key,
    clusterName: clusterNameOf(key),
    sparkJobId: clusterNameOf(key),
    outputPath: attemptFolder(plan.transformedPath, key),
    rejectedPath: attemptFolder(plan.rejectedPath, key),
    ...(zone !== undefined && { zone }),
  }
}

/** Whether a value, from wherever, can be an attempt's key. */
export function isAttemptKey(key: unknown): key is string {
  return typeof key === 'string' && /^[0-9a-f]{32}$/.test(key)
}

/** 46 characters; a cluster's name has at most 51, begins with a letter and does not end in a hyphen. */
export function clusterNameOf(key: string): string {
  return `average-speed-${key}`
}

/** An attempt's own folder in one of the batch's. */
export function attemptFolder(folder: string, key: string): string {
  return `${folder}${key}/`
}
