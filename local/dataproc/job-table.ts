import type { ClusterRecord } from './cluster-record.ts'
import type { JobRecord } from './job-record.ts'
import type { Location } from './model.ts'

/** The jobs that exist, by id, and those that did, for the ledger. Jobs outlive their cluster. */
export class JobTable {
  readonly #live = new Map<string, JobRecord>()
  readonly #all: JobRecord[] = []

  add(job: JobRecord): void {
    this.#live.set(key(job, job.id), job)
    this.#all.push(job)
  }

  /** Takes a job out of the API's sight; the ledger keeps it. */
  remove(job: JobRecord): void {
    this.#live.delete(key(job, job.id))
  }

  get(at: Location, id: string): JobRecord | undefined {
    return this.#live.get(key(at, id))
  }

  /** The newest job of this id in any project and region that is still there. */
  find(id: string): JobRecord | undefined {
    return this.#all.findLast((job) => job.id === id && this.#live.get(key(job, id)) === job)
  }

  /** Jobs of a region, newest first. */
  list(at: Location): JobRecord[] {
    return [...this.#live.values()]
      .filter(({ project, region }) => project === at.project && region === at.region)
      .reverse()
  }

  /** Every job that was submitted to a cluster. */
  onCluster(cluster: ClusterRecord): JobRecord[] {
    return this.#all.filter((job) => job.cluster === cluster)
  }

  /** Every job that there ever was, oldest first. */
  history(): readonly JobRecord[] {
    return this.#all
  }
}

function key(at: Location, id: string): string {
  return `${at.project}/${at.region}/${id}`
}
