import { invalid } from './errors.ts'

/** https://cloud.google.com/storage/quotas#buckets: rules a bucket, and prefixes and suffixes over all of them. */
const MAX_RULES = 100
const MAX_AFFIXES = 1000

const ACTIONS = new Set(['AbortIncompleteMultipartUpload', 'Delete', 'SetStorageClass'])

interface Rule {
  readonly action?: { readonly type?: unknown }
  readonly condition?: Readonly<Record<string, unknown>>
}

/**
 * Checks the lifecycle configuration of a bucket that is made or changed, if there is one. Rules are kept, not acted upon.
 * @throws StorageError 400
 * @see https://cloud.google.com/storage/docs/json_api/v1/buckets#lifecycle
 */
export function checkLifecycle({ lifecycle }: Readonly<Record<string, unknown>>): void {
  const rules = (lifecycle as { readonly rule?: unknown } | null | undefined)?.rule
  if (rules === undefined || rules === null) return
  if (!Array.isArray(rules)) throw invalid('Invalid value for: lifecycle.rule must be a list.')
  if (rules.length > MAX_RULES)
    throw invalid(`A lifecycle configuration can have at most ${MAX_RULES} rules.`)
  let affixes = 0
  for (const { action, condition } of rules as readonly Rule[]) {
    if (typeof action?.type !== 'string' || !ACTIONS.has(action.type)) {
      throw invalid('A lifecycle management rule must have a supported action.')
    }
    if (condition === undefined || Object.keys(condition).length === 0) {
      throw invalid('A lifecycle management rule must have at least one condition.')
    }
    const { age, matchesPrefix = [], matchesSuffix = [] } = condition
    if (age !== undefined && !(Number.isInteger(age) && Number(age) >= 0)) {
      throw invalid('The age condition of a lifecycle management rule must be a nonnegative integer.')
    }
    affixes += [matchesPrefix, matchesSuffix].flat().length
  }
  if (affixes > MAX_AFFIXES) {
    throw invalid(`A lifecycle configuration can have at most ${MAX_AFFIXES} prefixes and suffixes.`)
  }
}
