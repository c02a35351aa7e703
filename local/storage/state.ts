import type { ObjectStore } from './object-store.ts'
import type { ResumableUploads } from './resumable-uploads.ts'

/** What the handlers work on. */
export interface StorageState {
  readonly store: ObjectStore
  readonly uploads: ResumableUploads
  /** What `buckets.testIamPermissions` says that the caller may not do. */
  readonly denied: Set<string>
}
