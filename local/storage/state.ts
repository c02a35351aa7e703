import type { AuthorizedStore } from './iam/authorized-store.ts'
import type { ResumableUploads } from './resumable-uploads.ts'

/** What the handlers work on, for one caller. */
export interface StorageState {
  readonly store: AuthorizedStore
  readonly uploads: ResumableUploads
}
