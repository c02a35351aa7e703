import type { Service } from './lanes.ts'

/**
 * A point in a run at which a blow can strike: before or after the effect of one call to Google Cloud, or (with the service
 * `temporal`) once an activity has been scheduled or has been completed.
 */
export interface Moment {
  readonly service: Service | 'temporal'
  /** As the stand-in names it, or the activity. */
  readonly call: string
  /** Part of what the call is about, such as an object's name; empty: any. */
  readonly about: string
  /** Which of the run's calls of that kind, from 1. */
  readonly n: number
  readonly when: 'before' | 'after'
  /** How far the run is by then: later moments have greater ones. */
  readonly stage: number
}

/** As in `dataproc CreateCluster 1 after`. */
export function nameOfMoment({ service, call, about, n, when }: Moment): string {
  return [service, call, ...(about === '' ? [] : [about]), n, when].join(' ')
}

// The calls of a clean run, and for each time that it comes the stage of the run: 0 claim, 1 description, 2 look for a
// load, 3 creation, 4 job, 5 verification, 6 load, 7 archive, 8 cleanup, 9 receipt. Of reads that are repeated until
// something has ended, the first few stand here; what a run
// need not do (the note on zones, files that come back from the failed path), or the scheduled sweep does, is known but has
// no moment.
const CALLS: readonly (readonly [
  service: Service,
  call: string,
  about: string,
  stages: readonly number[],
])[] = [
  ['storage', 'buckets.get', '', []],
  ['storage', 'objects.get', 'scripts/', []],
  ['storage', 'objects.get', 'zone.json', [0, 3]],
  ['storage', 'objects.getMedia', 'zone.json', []],
  ['storage', 'objects.insert', 'zone.json', []],
  ['storage', 'objects.get', 'T000000/claim.json', [0, 1, 4, 6, 7, 7, 8]],
  ['storage', 'objects.getMedia', 'T000000/claim.json', [1, 4, 6, 7, 7, 8]],
  ['storage', 'objects.insert', 'T000000/claim.json', [0]],
  ['storage', 'objects.delete', 'T000000/claim.json', [8]],
  ['storage', 'objects.get', 'manifest.ndjson', [1, 5, 6, 7]],
  ['storage', 'objects.getMedia', 'manifest.ndjson', [5, 6, 7]],
  ['storage', 'objects.insert', 'manifest.ndjson', [1]],
  ['storage', 'objects.list', '/failed-', [1, 7, 7]],
  ['storage', 'objects.delete', '/failed-', [7]],
  ['storage', 'objects.insert', '/_FAILURE.json', [8]],
  ['storage', 'objects.get', '/failed-', [8, 8]],
  ['storage', 'objects.insert', 'T000000/failed-', [8]],
  ['storage', 'objects.getMedia', 'T000000/failed-', []],
  ['storage', 'objects.list', 'batches/', [1, 1, 2, 6, 7, 9]],
  ['storage', 'objects.list', 'manifests/', [1, 7, 9]],
  ['storage', 'objects.get', 'load.json', [1, 2, 6, 6, 7, 7]],
  ['storage', 'objects.getMedia', 'load.json', [6, 7, 7]],
  ['storage', 'objects.insert', 'load.json', [6, 6]],
  ['storage', 'objects.get', 'archive.json', [9]],
  ['storage', 'objects.getMedia', 'archive.json', [9]],
  ['storage', 'objects.insert', 'archive.json', [7]],
  ['storage', 'objects.list', '/raw-', [1, 5, 7, 7]],
  ['storage', 'objects.rewrite', '/raw-', [7, 7]],
  ['storage', 'objects.delete', '/raw-', [7, 7]],
  ['storage', 'objects.get', '/raw-', []],
  ['storage', 'objects.list', '/outputs/', []],
  ['storage', 'objects.get', '/outputs/', [7]],
  ['storage', 'objects.getMedia', '/outputs/', [7]],
  ['storage', 'objects.list', '/processed_date', [7, 7, 7]],
  ['storage', 'objects.get', '/processed_date', [7, 7]],
  ['bigquery', 'jobs.get', '', [2, 6, 6, 6]],
  ['bigquery', 'jobs.insert', '', [6]],
  ['bigquery', 'tables.get', '', [2, 6, 6]],
  ['dataproc', 'CreateCluster', '', [3]],
  ['dataproc', 'ListClusters', '', [3]],
  ['dataproc', 'GetOperation', '', [3]],
  ['dataproc', 'GetCluster', '', [3, 5, 5]],
  ['dataproc', 'SubmitJob', '', [4]],
  ['dataproc', 'GetJob', '', [4, 4]],
  ['dataproc', 'DeleteCluster', '', [5]],
  ['storage', 'objects.get', '/transformed-', [5, 5, 6]],
  ['storage', 'objects.getMedia', '/transformed-', [5]],
  ['storage', 'objects.insert', '/outputs/', [4]],
  ['storage', 'objects.delete', '/outputs/', [7]],
  ['storage', 'objects.list', '/transformed-', [7]],
  ['storage', 'objects.delete', '/transformed-', [7, 7, 7, 7, 7]],
  ['storage', 'objects.get', 'tables/', [6, 6, 6, 6, 6, 6, 6, 6, 6]],
  ['storage', 'objects.getMedia', 'tables/', [6, 6, 6]],
  ['storage', 'objects.insert', 'tables/', [6, 6, 6]],
  ['storage', 'objects.delete', 'tables/', [6]],
  ['storage', 'objects.get', '.receipts/', [9]],
  ['storage', 'objects.insert', '.receipts/', [9]],
]

/** The activities of a clean run, with their stages; local ones leave no trace of their beginning and end. */
const ACTIVITIES: Readonly<Record<string, number>> = {
  describeRawFiles: 1,
  requestClusterSlot: 3,
  createCluster: 3,
  runSparkJob: 4,
  verifyOutput: 5,
  deleteClusterIfPresent: 5,
  loadTable: 6,
  archiveRawFiles: 7,
  deleteTemporaryFiles: 7,
  moveRawFilesToFailed: 8,
}

const TIMES = ['before', 'after'] as const

/** All moments, in about the order in which they come. */
const MOMENTS: readonly Moment[] = [
  ...CALLS.flatMap(([service, call, about, stages]) =>
    stages.flatMap((stage, i) => TIMES.map((when) => ({ service, call, about, n: i + 1, when, stage }))),
  ),
  ...Object.entries(ACTIVITIES).flatMap(([call, stage]) =>
    TIMES.map((when) => ({ service: 'temporal' as const, call, about: '', n: 1, when, stage })),
  ),
].toSorted((a, b) => a.stage - b.stage)

/** Whose object or activity runs of a kind have nothing to do with. */
const NOT_CALLED: Readonly<Record<'replacing' | 'appending' | 'bad-data', readonly string[]>> = {
  replacing: ['/_FAILURE.json', 'T000000/failed-', 'moveRawFilesToFailed'],
  appending: ['/_FAILURE.json', 'T000000/failed-', 'moveRawFilesToFailed', 'tables/'],
  'bad-data': [
    ...['tables/', 'tables.get', 'jobs.insert', 'loadTable'],
    ...['/processed_date', 'archiveRawFiles', 'archive.json', 'load.json', '.receipts/'],
  ],
}

/** The moments that a clean run of a kind has. */
export function momentsOf(kind: keyof typeof NOT_CALLED): readonly Moment[] {
  const isBad = kind === 'bad-data'
  return MOMENTS.filter(
    ({ call, about }) =>
      !NOT_CALLED[kind].includes(about) &&
      !NOT_CALLED[kind].includes(call) &&
      (isBad || call !== 'objects.get' || about !== '/failed-'),
  )
}

/** True for a call of a clean run that the catalogue knows. */
export function isInCatalogue(service: Service, name: string, subject: string): boolean {
  return CALLS.some(([of, call, about]) => of === service && call === name && subject.includes(about))
}

/** While the cluster is there and its job is not over. */
export const JOB_MOMENTS: readonly Moment[] = MOMENTS.filter(
  ({ call, n, when }) => (call === 'GetJob' && n <= 2) || (call === 'SubmitJob' && when === 'after'),
)
