import { STATE_LABEL } from '../../activities/labels.ts'
import type { Fault } from './resource.ts'

/** Labels of a bucket or table, as Google gives them. */
export type Labels = Readonly<Record<string, string | null>>

/** The labels with the one that says to which state bucket the thing belongs: one thing, one state bucket, one set of claims. */
export function ownedLabels(labels: Labels | null | undefined, stateBucket: string): Labels {
  return { ...labels, [STATE_LABEL]: stateBucket }
}

/** Whether a thing bears the label of this state bucket. */
export function isOwned(labels: Labels | null | undefined, stateBucket: string): boolean {
  return labels?.[STATE_LABEL] === stateBucket
}

/**
 * Why a thing is not the deployment's to use: two with state buckets of their own would both claim its batches or rows.
 * @param thing such as `The bucket gs://x`
 * @param setting that names it
 */
export function foreignFault(
  thing: string,
  setting: string,
  labels: Labels | null | undefined,
  stateBucket: string,
): Fault | undefined {
  const owner = labels?.[STATE_LABEL]
  if (owner === undefined || owner === null || owner === stateBucket) return undefined
  return {
    finding: `${thing} belongs to the deployment whose state bucket is ${owner} (label ${STATE_LABEL}).`,
    remedy: `Set STATE_BUCKET=${owner} if the two are one, or name another by ${setting}; take the label off only if that deployment is no more.`,
  }
}
