import { messageOf, statusOf } from '../../activities/failures.ts'
import type { Fault } from './resource.ts'

export type Api = 'storage' | 'bigquery' | 'dataproc' | 'iam' | 'cloudresourcemanager'

/**
 * Says in one sentence what has gone wrong, and what to do.
 * @param doing completes 'Could not …'
 * @param api of Google's, unless the call was Temporal's
 */
export type Explain = (error: unknown, doing: string, api?: Api) => Fault

const TITLES: Readonly<Record<Api, string>> = {
  storage: 'Cloud Storage',
  bigquery: 'BigQuery',
  dataproc: 'Dataproc',
  iam: 'IAM',
  cloudresourcemanager: 'Resource Manager',
}

// Least roles to do all that the pipeline does there; docs/own-project.md says who needs what.
const ROLES: Readonly<Record<Api, string>> = {
  storage: 'roles/storage.admin',
  bigquery: 'roles/bigquery.dataEditor',
  dataproc: 'roles/dataproc.editor',
  iam: 'roles/iam.serviceAccountUser',
  cloudresourcemanager: 'roles/browser',
}

/** @param account e-mail address of whoever calls Google; absent when it is not known */
export function explainer(options: {
  readonly project: string
  readonly temporalAddress: string
  readonly account?: string | undefined
}): Explain {
  const { project, temporalAddress, account } = options
  return (error, doing, api) => {
    const reason = sentence(messageOf(error))
    if (api === undefined) {
      return {
        finding: `Could not ${doing}: ${reason}`,
        remedy: `Check TEMPORAL_ADDRESS (${temporalAddress}), TEMPORAL_NAMESPACE, and what this identity may do there; on Temporal Cloud make it in the console or with tcld.`,
      }
    }
    if (isApiDisabled(error)) {
      return {
        finding: `The API of ${TITLES[api]} (${api}.googleapis.com) is not enabled in the project ${project}.`,
        remedy: `gcloud services enable ${api}.googleapis.com --project=${project}`,
      }
    }
    const status = statusOf(error)
    if (status === 401 || status === 16)
      return { finding: `Could not ${doing}: ${reason}`, remedy: CREDENTIALS }
    if (status === 403 || status === 7) {
      return {
        finding: `Could not ${doing}: ${reason}`,
        remedy: `gcloud projects add-iam-policy-binding ${project} --member=${memberOf(account)} --role=${ROLES[api]}`,
      }
    }
    return {
      finding: `Could not ${doing}: ${reason}`,
      remedy: `Check the settings, and that ${TITLES[api]} can be reached.`,
    }
  }
}

/** What to do about credentials that are missing or not accepted. */
export const CREDENTIALS =
  'Set GOOGLE_APPLICATION_CREDENTIALS to a service-account or workload-identity file, or run: gcloud auth application-default login'

/** Somebody as `gcloud` names him. */
export function memberOf(account: string | undefined): string {
  if (account === undefined) return '<who runs this>'
  return account.endsWith('.gserviceaccount.com') ? `serviceAccount:${account}` : `user:${account}`
}

/**
 * True for Google's refusal of a call to an API that the project has not enabled.
 * @see https://cloud.google.com/resource-manager/docs/core_errors
 */
export function isApiDisabled(error: unknown): boolean {
  const { reason, errors, message } = (error ?? {}) as {
    readonly reason?: string
    readonly errors?: readonly { readonly reason?: string }[]
    readonly message?: string
  }
  return (
    reason === 'SERVICE_DISABLED' ||
    errors?.some((entry) => entry.reason === 'accessNotConfigured') === true ||
    /SERVICE_DISABLED|has not been used in project .* before or it is disabled/.test(message ?? '')
  )
}

function sentence(text: string): string {
  const line = text.split('\n')[0] ?? ''
  return /[.!?]$/.test(line) ? line : `${line}.`
}
