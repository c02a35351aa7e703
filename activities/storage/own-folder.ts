/** The folders in which the pipeline may delete, move and replace objects; there are no others. */

import type { File, Storage } from '@google-cloud/storage'
import { attemptFolder } from '../../workflows/attempt-names.ts'
import { processedPath } from '../../workflows/paths.ts'
import type { RunDefaults } from '../../workflows/plan.ts'
import { type ConfirmedPlan, confirmedPlanOf } from '../confirmed-plan.ts'
import { failure } from '../failures.ts'
import { splitUri } from '../objects.ts'

/** How each kind of folder must end. Whatever a plan says, nothing shorter is anybody's own. */
const ENDINGS = {
  raw: /\/raw-[^/]+\/$/,
  transformed: /\/transformed-[^/]+\/(?:.+\/raw-[^/]+\/)?$/,
  output: /\/transformed-[^/]+\/(?:.+\/raw-[^/]+\/)?[0-9a-f]{32}\/$/,
  failed: /\/failed-[^/]+\/(?:.+\/raw-[^/]+\/)?(?:reload=[a-z0-9-]+\/)?$/,
  archive: /\/processed_date=\d{4}-\d{2}-\d{2}\/(?:reload=[a-z0-9-]+\/)?raw-[^/]+\/$/,
  notes: /^gs:\/\/[^/]+\/(?:batches|tables|deployments)\/.+\/$/,
} as const
type Kind = keyof typeof ENDINGS

/**
 * A folder that belongs to one batch, attempt, table or deployment. It is made from a confirmed plan or from the settings,
 * never from what somebody has written down.
 */
export class OwnFolder {
  /** `gs://bucket/prefix/` */
  readonly uri: string

  /** @throws InvalidInput when no folder of the kind looks so, or its bucket is none of the deployment's */
  constructor(kind: Kind, uri: string, buckets: readonly string[]) {
    const { bucket } = splitUri(uri)
    if (!ENDINGS[kind].test(uri) || !buckets.includes(bucket)) {
      throw failure('InvalidInput', `${uri} is no folder that this deployment may change (${kind}).`)
    }
    this.uri = uri
  }

  /** @param name of an object in the folder, without the folder's own; nothing names the folder's placeholder */
  file(storage: Storage, name: string): File {
    const { bucket, name: prefix } = splitUri(this.uri)
    return storage.bucket(bucket).file(`${prefix}${name}`)
  }
}

/** The folders of one batch. */
export interface BatchFolders {
  readonly raw: OwnFolder
  /** Above the attempts' outputs. */
  readonly transformed: OwnFolder
  /** Of this run's description, where this run puts it. */
  readonly failed: OwnFolder
  readonly notes: OwnFolder
  /**
   * The batch by another of its runs: its description, and where that put bad files.
   * @throws InvalidInput when the deployment does not allow that place
   */
  as(other: { readonly reload?: string | undefined; readonly failedPath?: string }): OwnBatch
  /** What one attempt has written. @param key the attempt's */
  output(key: string): OwnFolder
  /** @param day of the first archive, `YYYY-MM-DD` in UTC */
  archive(day: string, reload?: string): OwnFolder
}

/** A batch that a worker has the right to change, as it sees it. */
export interface OwnBatch {
  readonly plan: ConfirmedPlan
  readonly folders: BatchFolders
}

/** The folders of a batch whose plan this worker has made itself. */
export function batchFolders(plan: ConfirmedPlan, defaults: RunDefaults): BatchFolders {
  const { paths, stateBucket } = defaults
  const { allowedBuckets } = paths
  return {
    raw: new OwnFolder('raw', plan.rawPath, allowedBuckets),
    transformed: new OwnFolder('transformed', plan.transformedPath, allowedBuckets),
    failed: new OwnFolder('failed', plan.failedPath, allowedBuckets),
    notes: new OwnFolder('notes', plan.notesPath, [stateBucket]),
    as({ reload, failedPath }) {
      const { reload: _, failedPath: __, ...rest } = plan.input
      const other = {
        ...rest,
        ...(reload !== undefined && { reload }),
        ...(failedPath !== undefined && { failedPath }),
      }
      const othersPlan = confirmedPlanOf(other, defaults, plan.named)
      return { plan: othersPlan, folders: batchFolders(othersPlan, defaults) }
    },
    output: (key) => new OwnFolder('output', attemptFolder(plan.transformedPath, key), allowedBuckets),
    archive: (day, reload) =>
      new OwnFolder('archive', processedPath(plan, day, reload), [paths.processedBucket]),
  }
}

/** A folder of the worker's own notes. @param path such as `tables/project.dataset.table` */
export function notesFolder(stateBucket: string, path: string): OwnFolder {
  return new OwnFolder('notes', `gs://${stateBucket}/${path}/`, [stateBucket])
}
