import type { SetupConfig } from '../config.ts'
import { createIam } from '../iam.ts'
import { type Api, isApiDisabled, memberOf } from '../setup/explain.ts'
import { type Examiner, type Finding, fault, ok, skipped } from './finding.ts'

/** What a run asks of Dataproc. */
const CLUSTERS_AND_JOBS = [
  'dataproc.clusters.create',
  'dataproc.clusters.delete',
  'dataproc.clusters.get',
  'dataproc.clusters.list',
  'dataproc.clusters.use',
  'dataproc.jobs.cancel',
  'dataproc.jobs.create',
  'dataproc.jobs.get',
]
const ACT_AS = 'iam.serviceAccounts.actAs'

/** Whether this identity may make clusters, run jobs, and act as the account of the clusters' machines. */
export async function examineIam(config: SetupConfig, examiner: Examiner): Promise<Finding[]> {
  const iam = createIam(config.iamEndpoint)
  const { project, account } = examiner
  const member = memberOf(account)
  const machines = config.clusterServiceAccount
  const onProject = look(examiner, 'cloudresourcemanager', `clusters and jobs of ${project}`, async () => {
    const held = await iam.onProject(project, CLUSTERS_AND_JOBS)
    const lacking = CLUSTERS_AND_JOBS.filter((permission) => !held.includes(permission))
    if (lacking.length === 0) return ok(`permissions on clusters and jobs of ${project}`)
    return fault({
      finding: `This identity lacks ${lacking.join(', ')} on the project ${project}.`,
      remedy: `gcloud projects add-iam-policy-binding ${project} --member=${member} --role=roles/dataproc.editor`,
    })
  })
  if (machines === undefined) {
    const unnamed = 'acting as the account of the clusters, since CLUSTER_SERVICE_ACCOUNT is not set'
    return [await onProject, skipped(unnamed)]
  }
  const onAccount = look(examiner, 'iam', `acting as ${machines}`, async () => {
    const held = await iam.onServiceAccount(machines, [ACT_AS])
    if (held.includes(ACT_AS)) return ok(`permission to act as ${machines}`)
    return fault({
      finding: `This identity may not act as ${machines}, the account of the clusters' machines.`,
      remedy: `gcloud iam service-accounts add-iam-policy-binding ${machines} --project=${project} --member=${member} --role=roles/iam.serviceAccountUser`,
    })
  })
  return Promise.all([onProject, onAccount])
}

/** These two APIs serve the question alone: a run does without them. */
async function look(
  examiner: Examiner,
  api: Api,
  what: string,
  ask: () => Promise<Finding>,
): Promise<Finding> {
  try {
    return await ask()
  } catch (error) {
    if (isApiDisabled(error)) {
      return skipped(`${what}, since the API that tells is off; gcloud services enable ${api}.googleapis.com`)
    }
    return fault(examiner.explain(error, `ask about ${what}`, api))
  }
}
