/**
 * What Google refuses whatever the service account was granted: each is told by its reason, or by its words where an API
 * has one reason for all, and each has a remedy of its own.
 */

import type { FailureType } from '../workflows/contract.ts'

/** One kind of refusal. */
interface Refusal {
  readonly type: FailureType
  readonly remedy: string
  readonly reasons: readonly string[]
  readonly words: RegExp
}

const REFUSALS: readonly Refusal[] = [
  {
    // https://cloud.google.com/storage/docs/object-holds, https://cloud.google.com/storage/docs/bucket-lock
    type: 'ObjectHeld',
    remedy:
      'Release the hold, or wait until the retention period is over, then retry the run. Rows that were loaded are not loaded again: what is left is the rest of the way.',
    reasons: ['objectUnderActiveHold', 'retentionPolicyNotMet'],
    words: /under active .*hold|cannot be deleted or overwritten until/i,
  },
  {
    type: 'AccessBlocked',
    remedy:
      "Link the project to a billing account that is open, or pay the account's bills, then retry the run.",
    reasons: ['accountDisabled', 'billingNotEnabled', 'BILLING_DISABLED', 'UserProjectAccountProblem'],
    words:
      /billing account|billing (?:has not been enabled|is disabled|disabled|to be enabled)|not configured billing/i,
  },
  {
    // https://cloud.google.com/vpc-service-controls/docs/troubleshooting
    type: 'AccessBlocked',
    remedy:
      'Let the perimeter of VPC Service Controls admit the worker, by an ingress or egress rule or an access level, then retry the run.',
    reasons: ['vpcServiceControls', 'SECURITY_POLICY_VIOLATED'],
    words: /vpc ?service ?controls|prohibited by organization's policy/i,
  },
  {
    // https://cloud.google.com/kms/docs/enable-disable
    type: 'AccessBlocked',
    remedy:
      'Enable or restore the key, and let the service agent named above use it, then retry the run. The worker itself needs no grant on it.',
    reasons: [
      'cloudKmsDisabledKey',
      'cloudKmsBadKey',
      'cloudKmsDecryptionKeyNotFound',
      'cloudKmsEncryptionKeyNotFound',
    ],
    words: /cloud ?kms|\/cryptoKeys\//i,
  },
  {
    // https://cloud.google.com/apis/docs/troubleshooting
    type: 'AccessBlocked',
    remedy: 'Enable the API in the project, wait some minutes, then retry the run.',
    reasons: ['accessNotConfigured', 'usageLimits.accessNotConfigured', 'SERVICE_DISABLED'],
    words: /has not been used in project|API .*(?:is disabled|not enabled)/i,
  },
  {
    type: 'AccessBlocked',
    remedy: "Clear up the project's suspension with Google, then retry the run.",
    reasons: ['CONSUMER_SUSPENDED', 'CONSUMER_INVALID'],
    words: /consumer .*suspended|project .*suspended/i,
  },
  {
    // What the token endpoint says of a key that was disabled or deleted, and of an account that was.
    type: 'AccessBlocked',
    remedy:
      "Enable the worker's service account and its key again, or give the worker other credentials, then retry the run.",
    reasons: ['invalid_grant', 'ACCOUNT_STATE_INVALID', 'API_KEY_INVALID'],
    words: /invalid_grant|service account .*disabled/i,
  },
]

/** The refusal behind an error; nothing for one that is of another kind. */
export function refusalOf(reason: string | undefined, message: string): Refusal | undefined {
  return (
    REFUSALS.find(({ reasons }) => reason !== undefined && reasons.includes(reason)) ??
    REFUSALS.find(({ words }) => words.test(message))
  )
}

/**
 * What an error of one of Google's clients gives as its reason, where it gives one: Cloud Storage and BigQuery in a list,
 * the gRPC services as google.rpc.ErrorInfo, the token endpoint as `error`.
 */
export function reasonOf(error: unknown): string | undefined {
  const { errors, reason, response } = (error ?? {}) as {
    readonly errors?: readonly { readonly reason?: string }[]
    readonly reason?: unknown
    readonly response?: { readonly data?: { readonly error?: unknown } }
  }
  const told = [errors?.[0]?.reason, reason, response?.data?.error]
  return told.find((one): one is string => typeof one === 'string')
}
