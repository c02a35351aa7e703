import type { ActivitySettings } from './context.ts'

/** `gs://…/`, where a deployment keeps notes that belong to none of its batches and tables. */
export function deploymentFolder({ deployment, defaults }: ActivitySettings): string {
  return `gs://${defaults.paths.processedBucket}/_average-speed/deployments/${deployment}/`
}
