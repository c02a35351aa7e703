import type { PipelineConfig } from '../config.ts'

/** A bucket of a deployment. */
export interface DeploymentBucket {
  readonly name: string
  /** The variable that names it. */
  readonly setting: string
  /** Whether set-up makes it; those that requests may name besides are their owners' to make. */
  readonly isMade: boolean
}

/** The buckets that bear the label of the deployment's state bucket, each once, the state bucket itself first. */
export function bucketsOf({
  stateBucket,
  paths,
}: Pick<PipelineConfig, 'stateBucket' | 'paths'>): readonly DeploymentBucket[] {
  const buckets = [
    { name: stateBucket, setting: 'STATE_BUCKET', isMade: true },
    { name: paths.rawBucket, setting: 'RAW_BUCKET', isMade: true },
    { name: paths.processedBucket, setting: 'PROCESSED_BUCKET', isMade: true },
    ...paths.allowedBuckets.map((name) => ({ name, setting: 'ALLOWED_BUCKETS', isMade: false })),
  ]
  return buckets.filter(({ name }, i) => buckets.findIndex((other) => other.name === name) === i)
}
