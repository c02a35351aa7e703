import type { ActivitySettings } from './context.ts'
import { notesFolder, type OwnFolder } from './storage/own-folder.ts'

/** Where a deployment keeps notes that belong to none of its batches and tables. @param kind such as `outputs` */
export function deploymentFolder(
  { deployment, defaults }: Pick<ActivitySettings, 'deployment' | 'defaults'>,
  kind?: string,
): OwnFolder {
  const path = `deployments/${deployment}`
  return notesFolder(defaults.stateBucket, kind === undefined ? path : `${path}/${kind}`)
}
