import { type Job, jobName } from './jobs.ts'
import { withEtag } from './resources.ts'

/** Whoever calls, since credentials are not looked at. */
const USER = 'stand-in@local-project.iam.gserviceaccount.com'

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/Job */
export function jobResource(job: Job, base: string) {
  const { ref, type, configuration } = job
  return withEtag({
    kind: 'bigquery#job',
    id: jobName(ref),
    selfLink: `${base}/projects/${ref.projectId}/jobs/${ref.jobId}?location=${ref.location}`,
    user_email: USER,
    configuration: { ...configuration, jobType: type.toUpperCase() },
    jobReference: ref,
    statistics: statistics(job),
    status: status(job),
  })
}

/**
 * What jobs.list says of each job.
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/list
 */
export function jobListItem(job: Job, full: boolean) {
  const { ref, type, state, errorResult, configuration } = job
  return {
    kind: 'bigquery#job',
    id: jobName(ref),
    jobReference: ref,
    state,
    ...(errorResult && { errorResult }),
    statistics: statistics(job),
    // Clients tell the type of a job by its configuration, so BigQuery leaves the type in even if the rest is not asked for.
    configuration: full ? { ...configuration, jobType: type.toUpperCase() } : { jobType: type.toUpperCase() },
    status: status(job),
    user_email: USER,
  }
}

function status({ state, errorResult, errors }: Job) {
  return { state, ...(errorResult && { errorResult }), ...(errors && errors.length > 0 && { errors }) }
}

function statistics({ createdMs, startedMs, endedMs, statistics: more }: Job) {
  return {
    creationTime: String(createdMs),
    ...(startedMs !== undefined && { startTime: String(startedMs) }),
    ...(endedMs !== undefined && { endTime: String(endedMs) }),
    ...more,
  }
}
