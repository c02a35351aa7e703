import type { Location } from './model.ts'

/** What the details of a failed job point to. */
export interface FailedJob extends Location {
  readonly id: string
  /** `gs://…/driveroutput` */
  readonly outputUri: string
}

/**
 * `status.details` of a job whose driver failed, in Dataproc's shape: the driver's own message if it gave one (seen in
 * dagster-io/dagster 1417), then where to look.
 */
export function failureDetails(job: FailedJob, message: string): string {
  const folder = job.outputUri.replace(/^gs:\/\//, '').replace(/\/[^/]*$/, '/')
  const places = [
    `https://console.cloud.google.com/dataproc/jobs/${job.id}?project=${job.project}&region=${job.region}`,
    `gcloud dataproc jobs wait '${job.id}' --region '${job.region}' --project '${job.project}'`,
    `https://console.cloud.google.com/storage/browser/${folder}`,
    `${job.outputUri}.*`,
  ]
  const head = message
    ? `Job failed with message [${message}]. Additional details can be found at:`
    : 'Google Cloud Dataproc Agent reports job failure. If logs are available, they can be found at:'
  return [head, ...places].join('\n')
}

/**
 * The line of a driver's output that names its failure: the last that begins with the name of an exception. Empty when
 * there is none.
 */
export function failureMessage(output: string): string {
  const named = output
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) =>
      /^(?:Exception in thread "[^"]*" )?[\w.$]*(?:Error|Exception|Exit)\b(?::|$)/.test(line),
    )
  return (named ?? '').slice(0, 1000)
}
