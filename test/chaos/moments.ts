import type { Service } from './lanes.ts'

/** A point in a run at which a blow can strike: before or after the effect of one call to Google Cloud. */
export interface Moment {
  readonly service: Service
  /** As the stand-in names it. */
  readonly call: string
  /** Part of what the call is about, such as an object's name; empty: any. */
  readonly about: string
  /** Which of the run's calls of that kind, from 1. */
  readonly n: number
  readonly when: 'before' | 'after'
}

/** As in `dataproc CreateCluster 1 after`. */
export function nameOfMoment({ service, call, about, n, when }: Moment): string {
  return [service, call, ...(about === '' ? [] : [about]), n, when].join(' ')
}

// The calls of a clean run and how often each comes, in the order of their first. Reads that follow each other until
// something has ended come as often as it takes; of those, the first few stand here.
const CALLS: readonly (readonly [service: Service, call: string, about: string, times: number])[] = [
  ['storage', 'objects.get', 'zone.json', 2],
  ['storage', 'objects.get', 'T000000/claim.json', 6],
  ['storage', 'objects.getMedia', 'T000000/claim.json', 5],
  ['storage', 'objects.insert', 'T000000/claim.json', 1],
  ['storage', 'objects.get', 'manifest.ndjson', 3],
  ['storage', 'objects.getMedia', 'manifest.ndjson', 2],
  ['storage', 'objects.list', '/failed-', 1],
  ['storage', 'objects.get', 'archive.json', 2],
  ['storage', 'objects.list', '/raw-', 3],
  ['storage', 'objects.insert', 'manifest.ndjson', 1],
  ['bigquery', 'jobs.get', '', 6],
  ['dataproc', 'CreateCluster', '', 1],
  ['dataproc', 'ListClusters', '', 1],
  ['dataproc', 'GetOperation', '', 2],
  ['dataproc', 'GetCluster', '', 3],
  ['storage', 'objects.insert', 'zone.json', 1],
  ['dataproc', 'SubmitJob', '', 1],
  ['dataproc', 'GetJob', '', 3],
  ['storage', 'objects.get', '/transformed-', 3],
  ['dataproc', 'DeleteCluster', '', 1],
  ['storage', 'objects.getMedia', '/transformed-', 3],
  ['storage', 'objects.get', '/tables/', 7],
  ['storage', 'objects.insert', '/tables/', 3],
  ['storage', 'objects.getMedia', '/tables/', 3],
  ['bigquery', 'jobs.insert', '', 1],
  ['storage', 'objects.insert', 'archive.json', 1],
  ['storage', 'objects.list', '/processed_date', 1],
  ['storage', 'objects.rewrite', '/raw-', 2],
  ['storage', 'objects.get', '/processed_date', 2],
  ['storage', 'objects.delete', '/raw-', 2],
  ['storage', 'objects.delete', '/failed-', 1],
  ['storage', 'objects.delete', '/tables/', 1],
  ['storage', 'objects.list', '/transformed-', 1],
  ['storage', 'objects.delete', '/transformed-', 5],
  ['storage', 'objects.delete', 'T000000/claim.json', 1],
]

/** All moments of a clean run, in about the order in which they come. */
export const MOMENTS: readonly Moment[] = CALLS.flatMap(([service, call, about, times]) =>
  Array.from({ length: times }, (_, i) => i + 1).flatMap((n) =>
    (['before', 'after'] as const).map((when) => ({ service, call, about, n, when })),
  ),
)

/** True for a call of a clean run that the catalogue knows. */
export function isInCatalogue(service: Service, name: string, subject: string): boolean {
  return CALLS.some(([of, call, about]) => of === service && call === name && subject.includes(about))
}

/** While the cluster is there and its job is not over. */
export const JOB_MOMENTS: readonly Moment[] = MOMENTS.filter(
  ({ call, n, when }) => (call === 'GetJob' && n <= 2) || (call === 'SubmitJob' && when === 'after'),
)
