import { type Static, Type } from 'typebox'

/** How long jobs seem to take, and other things that a test may want otherwise. */
export const Settings = Type.Object(
  {
    /** How long a job is PENDING, in milliseconds. */
    pendingMs: Type.Number({ minimum: 0 }),
    /** How long a load is RUNNING before it does its work, in milliseconds. */
    loadMs: Type.Number({ minimum: 0 }),
    /** The same for queries. */
    queryMs: Type.Number({ minimum: 0 }),
    /** The same for extracts. */
    extractMs: Type.Number({ minimum: 0 }),
    /** Rows in each file of an extract to a URI with a wildcard; BigQuery decides by size. */
    extractRowsPerFile: Type.Integer({ minimum: 1 }),
    /** What `tables.testIamPermissions` leaves out; to have a call refused, inject a fault. */
    deniedPermissions: Type.Array(Type.String()),
  },
  { additionalProperties: false },
)
export type Settings = Static<typeof Settings>

/** The settings at start: jobs take no longer than they need, and 5,500 rows make three files. */
export function defaultSettings(): Settings {
  return {
    pendingMs: 0,
    loadMs: 0,
    queryMs: 0,
    extractMs: 0,
    extractRowsPerFile: 2000,
    deniedPermissions: [],
  }
}

/** A job that is going to fail, whatever it asks for. */
export const JobFault = Type.Object(
  {
    type: Type.Union([
      Type.Literal('load'),
      Type.Literal('query'),
      Type.Literal('extract'),
      Type.Literal('*'),
    ]),
    /** Of the job's `errorResult`. */
    reason: Type.String({ minLength: 1 }),
    message: Type.Optional(Type.String()),
    /** Only jobs whose configuration (as JSON) contains this text. */
    match: Type.Optional(Type.String()),
    /** Jobs that fail so; default 1. */
    times: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)
export type JobFault = Static<typeof JobFault>

/** The jobs that are going to fail. */
export class JobFaults {
  #waiting: JobFault[] = []

  add(fault: JobFault): void {
    for (let i = 0; i < (fault.times ?? 1); i++) this.#waiting.push(fault)
  }

  /** Those that still wait for their job. */
  list(): readonly JobFault[] {
    return this.#waiting
  }

  clear(): void {
    this.#waiting = []
  }

  /** The fault for a job of this type, which is then spent. */
  take(type: string, configuration: object): JobFault | undefined {
    const text = JSON.stringify(configuration)
    const index = this.#waiting.findIndex(
      (fault) => (fault.type === '*' || fault.type === type) && text.includes(fault.match ?? ''),
    )
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]
  }
}
