/** When clusters and jobs changed state, by Dataproc's own clock. */

import type { v1 as dataproc, protos } from '@google-cloud/dataproc'
import { Context } from '@temporalio/activity'
import type { ClusterTimes } from '../workflows/run-types.ts'

type Cluster = protos.google.cloud.dataproc.v1.ICluster
type Job = protos.google.cloud.dataproc.v1.IJob
type Status = protos.google.cloud.dataproc.v1.IClusterStatus | protos.google.cloud.dataproc.v1.IJobStatus

// The run's numbers are not worth the wait for a service that does not answer.
const JOB_READ_LIMIT_MS = 10_000

/**
 * Reads what is known of a cluster's times. Never rejects: a teardown does not fail for a number.
 * @param last the cluster as it was seen last
 * @param job its job, if it had one
 */
export async function readClusterTimes(
  jobs: dataproc.JobControllerClient,
  last: Cluster | undefined,
  job: { readonly projectId: string; readonly region: string; readonly jobId: string } | undefined,
): Promise<ClusterTimes> {
  const found = job && (await readJob(jobs, job))
  const times = {
    runningAt: firstIn(last, ['RUNNING']),
    jobAcceptedAt: firstIn(found, ['PENDING', 'SETUP_DONE', 'RUNNING']),
    jobEndedAt: firstIn(found, ['DONE', 'ERROR', 'CANCELLED']),
    deleteRequestedAt: firstIn(last, ['DELETING']),
  }
  return Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined))
}

/** When it first was in one of the states: ISO 8601 in UTC. Nothing if it never was. */
export function firstIn(stated: Cluster | Job | undefined, states: readonly string[]): string | undefined {
  const history: (Status | null | undefined)[] = [...(stated?.statusHistory ?? []), stated?.status]
  const starts = history.flatMap((status) => {
    const time = status?.stateStartTime
    if (time == null || !states.includes(String(status?.state))) return []
    return [Number(time.seconds ?? 0) * 1000 + (time.nanos ?? 0) / 1e6]
  })
  return starts.length === 0 ? undefined : new Date(Math.min(...starts)).toISOString()
}

async function readJob(
  jobs: dataproc.JobControllerClient,
  request: { readonly projectId: string; readonly region: string; readonly jobId: string },
): Promise<Job | undefined> {
  try {
    const [job] = await jobs.getJob(request, { timeout: JOB_READ_LIMIT_MS, retry: null })
    return job
  } catch (error) {
    Context.current().log.warn('the times of a job could not be read', { jobId: request.jobId, error })
    return undefined
  }
}
