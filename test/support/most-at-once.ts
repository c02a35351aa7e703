/** A cluster's time, as the ledger of the local Dataproc has it; one that was not deleted is still there. */
interface Lifetime {
  readonly created: string
  readonly deleted?: string
}

/** The most clusters that existed at the same moment, from their own times; nothing between two looks is missed. */
export function mostAtOnce(clusters: readonly Lifetime[]): number {
  const changes = clusters
    .flatMap(({ created, deleted }) => [
      { at: Date.parse(created), by: 1 },
      { at: deleted === undefined ? Number.POSITIVE_INFINITY : Date.parse(deleted), by: -1 },
    ])
    // One that ends in the same millisecond in which another begins was there before it.
    .sort((a, b) => a.at - b.at || a.by - b.by)
  let there = 0
  let most = 0
  for (const { by } of changes) {
    there += by
    most = Math.max(most, there)
  }
  return most
}
