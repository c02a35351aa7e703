import { randomUUID } from 'node:crypto'

/** How the next jobs go wrong. */
export interface JobFaultSpec {
  /** `error` ends the job in ERROR and kills its driver; `lost` takes the job away as if it had never been. */
  readonly kind: 'error' | 'lost'
  /** Only jobs whose id, or whose cluster's name or labels (as JSON), contain this text. */
  readonly match?: string
  /** Milliseconds of the stand-in's clock from RUNNING; default 0. */
  readonly afterMs?: number
  /** Jobs that are struck; default 1. */
  readonly times?: number
  /** What the driver is made to have said. */
  readonly message?: string
}

/** A job fault with its id and hits. */
export interface JobFault extends JobFaultSpec {
  readonly id: string
  readonly hits: number
}

/** The faults that wait for their jobs. */
export class JobFaults {
  #faults: JobFault[] = []

  add(spec: JobFaultSpec): JobFault {
    const fault = { ...spec, id: randomUUID(), hits: 0 }
    this.#faults.push(fault)
    return fault
  }

  list(): readonly JobFault[] {
    return this.#faults
  }

  clear(): void {
    this.#faults = []
  }

  /** The fault that strikes this job, counted as a hit. */
  take(subject: string): JobFault | undefined {
    const fault = this.#faults.find(
      ({ hits, times, match }) => hits < (times ?? 1) && subject.includes(match ?? ''),
    )
    if (fault === undefined) return undefined
    const hit = { ...fault, hits: fault.hits + 1 }
    this.#faults = this.#faults.map((other) => (other.id === fault.id ? hit : other))
    return hit
  }
}
