/** How fast and in what way the stand-in works; may be changed while it runs. Times are milliseconds of its clock. */
export interface Settings {
  /** From a creation to RUNNING. */
  bootMs: number
  /** How long the cluster goes on being CREATING after its operation is done. */
  runningLagMs: number
  /** From a deletion to the cluster being gone. */
  deleteMs: number
  /** From an update to its end. */
  updateMs: number
  /** From a submission to RUNNING. */
  jobStartMs: number
  /** From a cancellation to the driver being killed. */
  cancelMs: number
  /** Run time of a job that is not real Spark. */
  jobMs: number
  /**
   * `spark` runs spark-submit; `stub` writes what the pipeline's own script would have written; `instant` writes nothing
   * and succeeds.
   */
  jobMode: 'spark' | 'stub' | 'instant'
  /** Jobs on clusters whose name or labels (as JSON) contain this text are real Spark all the same; empty: none. */
  sparkFor: string
}

/** Small enough for a demonstration, large enough that every state can be seen. */
export const DEFAULT_SETTINGS: Settings = {
  bootMs: 1500,
  runningLagMs: 0,
  deleteMs: 1000,
  updateMs: 300,
  jobStartMs: 200,
  cancelMs: 100,
  jobMs: 300,
  jobMode: 'spark',
  sparkFor: '',
}
