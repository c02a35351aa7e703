import type { ClusterRecord } from './cluster-record.ts'
import type { Location } from './model.ts'

/** The clusters that exist, by name, and those that did, for the ledger. */
export class ClusterTable {
  readonly #live = new Map<string, ClusterRecord>()
  readonly #all: ClusterRecord[] = []

  add(cluster: ClusterRecord): void {
    this.#live.set(key(cluster, cluster.name), cluster)
    this.#all.push(cluster)
  }

  /** Takes a cluster out of the API's sight; the ledger keeps it. */
  remove(cluster: ClusterRecord): void {
    this.#live.delete(key(cluster, cluster.name))
  }

  get(at: Location, name: string): ClusterRecord | undefined {
    return this.#live.get(key(at, name))
  }

  /** The newest living cluster of this name in any project and region. */
  find(name: string): ClusterRecord | undefined {
    return this.#all.findLast((cluster) => cluster.name === name && this.isLive(cluster))
  }

  isLive(cluster: ClusterRecord): boolean {
    return this.#live.get(key(cluster, cluster.name)) === cluster
  }

  /** Living clusters of a region in alphabetical order. */
  list(at: Location): ClusterRecord[] {
    return [...this.#live.values()]
      .filter(({ project, region }) => project === at.project && region === at.region)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Every cluster that there ever was, oldest first. */
  history(): readonly ClusterRecord[] {
    return this.#all
  }
}

function key(at: Location, name: string): string {
  return `${at.project}/${at.region}/${name}`
}
