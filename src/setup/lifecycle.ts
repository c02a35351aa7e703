type Bucket = ReturnType<import('../clients.ts').GoogleClients['storage']['bucket']>

/** A rule of a bucket's lifecycle, as Cloud Storage's client has it. */
export type LifecycleRule = NonNullable<NonNullable<Bucket['metadata']['lifecycle']>['rule']>[number]

/** The rules of a bucket, with those that a deployment wants. */
export interface LifecyclePlan {
  /** All rules to be set: those of others first, as they were. */
  readonly rules: readonly LifecycleRule[]
  /** The folders whose rule is not there, or has another age. */
  readonly lacking: readonly string[]
  /** Whether some rule of ours is there. */
  readonly begun: boolean
}

/**
 * Plans one rule for each folder that batches lie in: what begins with `transformed-` or `rejected-` goes after some days.
 * A rule matches the beginning of an object's whole name and knows no wildcard, hence a rule a folder. A rule counts as
 * ours only if it deletes exactly these prefixes by age alone; all others are kept.
 * @param folders prefixes such as `exports/`; empty for the bucket itself
 * @see https://cloud.google.com/storage/docs/lifecycle#matchesprefix-suffix
 */
export function planLifecycle(
  present: readonly LifecycleRule[],
  folders: readonly string[],
  days: number,
): LifecyclePlan {
  const wanted = folders.map((folder) => ({ folder, prefixes: prefixesOf(folder) }))
  const lacking = wanted
    .filter(({ prefixes }) => !present.some((rule) => isFor(rule, prefixes) && rule.condition.age === days))
    .map(({ folder }) => folder)
  const foreign = present.filter((rule) => !wanted.some(({ prefixes }) => isFor(rule, prefixes)))
  const own = wanted.map(({ prefixes }) => ({
    action: { type: 'Delete' as const },
    condition: { age: days, matchesPrefix: [...prefixes] },
  }))
  return { rules: [...foreign, ...own], lacking, begun: foreign.length < present.length }
}

function prefixesOf(folder: string): readonly string[] {
  return [`${folder}rejected-`, `${folder}transformed-`]
}

function isFor({ action, condition }: LifecycleRule, prefixes: readonly string[]): boolean {
  const { age, matchesPrefix, ...others } = condition
  return (
    action.type === 'Delete' &&
    typeof age === 'number' &&
    Object.keys(others).length === 0 &&
    Array.isArray(matchesPrefix) &&
    matchesPrefix.length === prefixes.length &&
    prefixes.every((prefix) => matchesPrefix.includes(prefix))
  )
}
