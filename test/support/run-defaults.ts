import type { RunDefaults } from '../../workflows/plan.ts'

/** What a deployment sets for its runs, where no cloud is needed: callers may choose nothing. */
export const RUN_DEFAULTS: RunDefaults = {
  paths: { rawBucket: 'raw-bucket', processedBucket: 'processed-bucket', allowedBuckets: ['raw-bucket'] },
  stateBucket: 'state-bucket',
  callerFolders: [],
  outputTable: 'some-project.ComposerDemo.trips',
  allowedTables: [],
  maxRejects: 1000,
  maxRejectShare: 0.01,
}
