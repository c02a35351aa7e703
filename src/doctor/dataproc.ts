import type { GoogleClients } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { type Examiner, type Finding, fault, ok } from './finding.ts'

/** Milliseconds for one look; the client's own limits are made for workers, which can wait. */
const TIMEOUT_MS = 20_000

/** Whether Dataproc answers, and lets this identity see clusters and jobs. */
export async function examineDataproc(
  { clusters, jobs }: Pick<GoogleClients, 'clusters' | 'jobs'>,
  config: SetupConfig,
  examiner: Examiner,
): Promise<Finding[]> {
  const { project: projectId, region } = config.google
  const request = { projectId, region, pageSize: 1 }
  const options = { autoPaginate: false, timeout: TIMEOUT_MS }
  const look = async (what: string, call: () => Promise<unknown>): Promise<Finding> => {
    try {
      await call()
      return ok(`Dataproc shows ${what} in ${region}`)
    } catch (error) {
      return fault(examiner.explain(error, `see Dataproc's ${what} in ${region}`, 'dataproc'))
    }
  }
  return Promise.all([
    look('clusters', () => clusters.listClusters(request, options)),
    look('jobs', () => jobs.listJobs(request, options)),
  ])
}
