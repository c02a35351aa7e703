import { randomUUID } from 'node:crypto'
import type { protos } from '@google-cloud/dataproc'
import type { StandInClock } from '../control/clock.ts'
import type { ClusterLifecycle } from './cluster-lifecycle.ts'
import { type ClusterRecord, clusterPath, clusterState } from './cluster-record.ts'
import type { ClusterTable } from './cluster-table.ts'
import { DriverOutput } from './driver-output.ts'
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from './errors.ts'
import { labelValues, parseFilter, satisfies } from './filters.ts'
import type { JobLifecycle } from './job-lifecycle.ts'
import { isCancellable, isOver, type JobRecord, jobPath, jobState } from './job-record.ts'
import { checkJobId, checkNewJob } from './job-request.ts'
import type { JobTable } from './job-table.ts'
import { checkLabels } from './labels.ts'
import { type Job, type Location, type Operation, packDataproc } from './model.ts'
import { type OperationRecord, type OperationTable, operationMessage } from './operations.ts'
import { page } from './paging.ts'
import { locationOf, RequestIds } from './requests.ts'
import type { ServiceStorage } from './service-storage.ts'
import { timestamp } from './times.ts'

type Submit = protos.google.cloud.dataproc.v1.ISubmitJobRequest
type Get = protos.google.cloud.dataproc.v1.IGetJobRequest
type List = protos.google.cloud.dataproc.v1.IListJobsRequest
type Update = protos.google.cloud.dataproc.v1.IUpdateJobRequest

/** What the job calls need. */
export interface JobServiceParts {
  readonly clock: StandInClock
  readonly clusters: ClusterTable
  readonly clusterLifecycle: ClusterLifecycle
  readonly jobs: JobTable
  readonly lifecycle: JobLifecycle
  readonly operations: OperationTable
  readonly storage: ServiceStorage
  /** The only project that there is; undefined accepts any. */
  readonly project: string | undefined
}

/** The calls of `google.cloud.dataproc.v1.JobController`, as the comments in jobs.proto describe them. */
export function jobService(parts: JobServiceParts) {
  const { jobs, lifecycle, operations } = parts
  const submissions = new RequestIds<JobRecord>()
  const operationRequests = new RequestIds<OperationRecord>()
  const locate = (request: Get) => locationOf(request, parts.project)

  function existing(at: Location, id: string | null | undefined): JobRecord {
    checkJobId(id)
    const job = jobs.get(at, id)
    if (job === undefined) throw notFound(`Job ${jobPath({ ...at, id })}`)
    return job
  }

  function submit(at: Location, request: Submit): JobRecord {
    const replay = submissions.find(at, 'SubmitJob', request.requestId)
    if (replay) return replay
    const job = newJob(request.job, at, parts)
    jobs.add(job)
    parts.clusterLifecycle.noteBusy(job.cluster)
    lifecycle.start(job)
    submissions.keep(at, 'SubmitJob', request.requestId, job)
    return job
  }

  return {
    SubmitJob(request: Submit): Job {
      return submit(locate(request), request).resource
    },

    SubmitJobAsOperation(request: Submit): Operation {
      const at = locate(request)
      const replay = operationRequests.find(at, 'SubmitJobAsOperation', request.requestId)
      if (replay) return operationMessage(replay)
      const job = submit(at, { ...request, requestId: '' })
      const { resource } = job
      const metadata = () =>
        packDataproc('JobMetadata', {
          jobId: job.id,
          status: resource.status,
          operationType: 'SUBMIT',
          startTime: timestamp(job.submittedAt),
        })
      const cancel = () => {
        if (isCancellable(job)) lifecycle.cancel(job)
      }
      const operation = operations.start(
        'SUBMIT',
        at,
        job.cluster.name,
        resource.labels ?? {},
        metadata,
        cancel,
      )
      job.onEnd.push(() =>
        operations.finish(operation, { response: packDataproc('Job', structuredClone(resource)) }),
      )
      operationRequests.keep(at, 'SubmitJobAsOperation', request.requestId, operation)
      return operationMessage(operation)
    },

    GetJob(request: Get): Job {
      return existing(locate(request), request.jobId).resource
    },

    ListJobs(request: List) {
      const terms = parseFilter(request.filter, ['status.state', 'clusterName'])
      const matcher = request.filter ? 'ALL' : (request.jobStateMatcher ?? 'ALL')
      const found = jobs
        .list(locate(request))
        .filter((job) => !request.clusterName || job.cluster.name === request.clusterName)
        .filter((job) => matcher === 'ALL' || stateGroup(job) === matcher)
        .filter((job) =>
          satisfies(terms, (field) => {
            if (field === 'status.state') return [jobState(job), stateGroup(job)]
            if (field === 'clusterName') return [job.cluster.name]
            return labelValues(job.resource.labels ?? {}, field)
          }),
        )
      const { items, nextPageToken } = page(found, newestFirst, request.pageSize, request.pageToken)
      return { jobs: items.map(({ resource }) => resource), nextPageToken }
    },

    UpdateJob(request: Update): Job {
      const job = existing(locate(request), request.jobId)
      const paths = request.updateMask?.paths ?? []
      if (paths.length === 0) throw invalidArgument('Update mask must be specified.')
      const other = paths.find((path) => path !== 'labels')
      if (other) throw invalidArgument(`Update mask '${other}' is invalid: only 'labels' can be updated.`)
      checkLabels(request.job?.labels)
      job.resource.labels = request.job?.labels ?? {}
      return job.resource
    },

    CancelJob(request: Get): Job {
      const job = existing(locate(request), request.jobId)
      if (!isCancellable(job)) {
        throw failedPrecondition(
          `Cannot cancel jobId '${job.id}' in projectId '${job.project}' in state: '${jobState(job)}'; cancellable states: '[PENDING, RUNNING]'`,
        )
      }
      lifecycle.cancel(job)
      return job.resource
    },

    DeleteJob(request: Get): object {
      const job = existing(locate(request), request.jobId)
      if (!isOver(job)) {
        throw failedPrecondition(
          `Cannot delete job '${job.id}' in state '${jobState(job)}': only jobs that are over can be deleted.`,
        )
      }
      jobs.remove(job)
      return {}
    },
  }
}

function newJob(asked: Job | null | undefined, at: Location, parts: JobServiceParts): JobRecord {
  checkNewJob(asked, at)
  const cluster = usableCluster(at, asked.placement?.clusterName ?? '', parts)
  const id = asked.reference?.jobId || randomUUID()
  if (parts.jobs.get(at, id)) throw alreadyExists(`Job ${jobPath({ ...at, id })}`)
  const folder = `gs://${cluster.stagingBucket}/google-cloud-dataproc-metainfo/${cluster.uuid}/jobs/${id}/`
  const uri = `${folder}driveroutput`
  const resource: Job = {
    ...asked,
    reference: { projectId: at.project, jobId: id },
    placement: { ...asked.placement, clusterUuid: cluster.uuid },
    jobUuid: randomUUID(),
    driverControlFilesUri: folder,
    driverOutputResourceUri: uri,
  }
  const write = (object: string, content: Buffer) => parts.storage.write(at.project, object, content)
  return {
    ...at,
    id,
    resource,
    cluster,
    output: new DriverOutput({ uri, write }),
    sequence: parts.jobs.history().length,
    submittedAt: parts.clock.now(),
    failures: [],
    onEnd: [],
  }
}

/** The cluster states in which jobs are accepted, as the comments of `ClusterStatus.State` say. */
function usableCluster(at: Location, name: string, { clusters }: JobServiceParts): ClusterRecord {
  const cluster = clusters.get(at, name)
  if (cluster === undefined) throw notFound(`Cluster ${clusterPath({ ...at, name })}`)
  const state = clusterState(cluster)
  if (state === 'RUNNING' || state === 'UPDATING' || state === 'ERROR_DUE_TO_UPDATE') return cluster
  throw failedPrecondition(`Cluster ${clusterPath(cluster)} is in state '${state}' and does not accept jobs.`)
}

function stateGroup(job: JobRecord): 'ACTIVE' | 'NON_ACTIVE' {
  return isOver(job) ? 'NON_ACTIVE' : 'ACTIVE'
}

/** A key that sorts jobs from the newest to the oldest. */
function newestFirst(job: JobRecord): string {
  return String(Number.MAX_SAFE_INTEGER - job.sequence).padStart(16, '0')
}
