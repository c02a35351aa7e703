import { status } from '@grpc/grpc-js'
import { invalidArgument, StatusError } from './errors.ts'
import { checkLabels } from './labels.ts'
import type { Job, Location } from './model.ts'

/**
 * Checks a job that is to be submitted, as far as the messages in jobs.proto document the limits.
 * @throws StatusError INVALID_ARGUMENT; UNIMPLEMENTED for kinds of job other than PySpark
 */
export function checkNewJob(job: Job | null | undefined, at: Location): asserts job is Job {
  if (!job) throw invalidArgument('Job must be specified.')
  if (!job.placement?.clusterName)
    throw invalidArgument('Cluster name is required in the placement of the job.')
  const { projectId, jobId } = job.reference ?? {}
  if (projectId && projectId !== at.project) {
    throw invalidArgument(
      `Job project '${projectId}' does not match the project '${at.project}' of the request.`,
    )
  }
  if (jobId) checkJobId(jobId)
  checkLabels(job.labels)
  checkScheduling('max_failures_per_hour', job.scheduling?.maxFailuresPerHour, 10)
  checkScheduling('max_failures_total', job.scheduling?.maxFailuresTotal, 240)
  const kind = Object.keys(job).find((field) => field.endsWith('Job'))
  if (kind === undefined) throw invalidArgument('Job type must be specified.')
  if (kind !== 'pysparkJob') {
    throw new StatusError(status.UNIMPLEMENTED, `This stand-in runs PySpark jobs only, not '${kind}'.`)
  }
  const main = job.pysparkJob?.mainPythonFileUri
  if (!main) throw invalidArgument('Main Python file URI is required.')
  if (!main.endsWith('.py')) throw invalidArgument(`Main Python file '${main}' must be a .py file.`)
}

/**
 * Checks a job id: at most 100 letters, digits, `_` and `-`.
 * @throws StatusError INVALID_ARGUMENT
 */
export function checkJobId(id: string | null | undefined): asserts id is string {
  if (!id) throw invalidArgument('Job ID is required.')
  if (!/^[\w-]{1,100}$/.test(id)) {
    throw invalidArgument(`Job ID '${id}' is invalid: at most 100 letters, numbers, underscores and hyphens.`)
  }
}

function checkScheduling(field: string, value: number | null | undefined, maximum: number): void {
  if (value && (value < 0 || value > maximum)) {
    throw invalidArgument(`Invalid scheduling.${field}: ${value}. It must be between 0 and ${maximum}.`)
  }
}
