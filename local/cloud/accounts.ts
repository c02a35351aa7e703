import type { Accounts } from '../storage/iam/grants.ts'
import type { PortName } from './services.ts'
import { LOCAL } from './settings.ts'

const OBJECT_USER = 'roles/storage.objectUser'

/** What the worker may do on each of its buckets. */
const asWorker = (bucket: string) =>
  [
    { role: OBJECT_USER, bucket },
    { role: 'roles/storage.legacyBucketReader', bucket },
  ] as const

/**
 * Who may do what in Cloud Storage: the accounts and least roles of docs/own-project.md, with an exporter that may replace
 * its files. Everybody else is the project's owner: tests, setup, the demo.
 */
export const ACCOUNTS = {
  worker: {
    email: emailOf('worker'),
    bindings: [LOCAL.rawBucket, LOCAL.processedBucket, LOCAL.stateBucket].flatMap(asWorker),
  },
  cluster: {
    email: emailOf('cluster'),
    bindings: [
      { role: OBJECT_USER, bucket: LOCAL.rawBucket },
      { role: 'roles/storage.objectViewer', bucket: LOCAL.stateBucket, below: ['manifests/', 'scripts/'] },
    ],
  },
  exporter: {
    email: emailOf('exporter'),
    bindings: [{ role: OBJECT_USER, bucket: LOCAL.rawBucket }],
  },
  gateway: { email: emailOf('gateway'), bindings: [] },
} as const satisfies Accounts

export type AccountName = keyof typeof ACCOUNTS

/** The ports by which they come to Cloud Storage. */
export const ACCOUNT_PORTS = {
  worker: 'storageOfWorker',
  cluster: 'storageOfCluster',
  exporter: 'storageOfExporter',
  gateway: 'storageOfGateway',
} as const satisfies Record<AccountName, PortName>

/** The variable that says where an account comes to Cloud Storage. */
export function storageVariableOf(account: AccountName): string {
  return `STORAGE_ENDPOINT_OF_${account.toUpperCase()}`
}

function emailOf(name: string): string {
  return `average-speed-${name}@${LOCAL.project}.iam.gserviceaccount.com`
}
