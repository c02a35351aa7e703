import { randomUUID } from 'node:crypto'
import type { StandInClock } from '../control/clock.ts'
import type { Labels } from './labels.ts'
import { type Location, type Operation, type PackedMessage, packDataproc, type RpcStatus } from './model.ts'
import { timestamp } from './times.ts'

/** What a cluster operation does, as in `ClusterOperationMetadata.operation_type`. */
export type OperationType = 'CREATE' | 'UPDATE' | 'DELETE' | 'DIAGNOSE' | 'SUBMIT'

/** How an operation ended. */
export type OperationResult = { readonly response: PackedMessage } | { readonly error: RpcStatus }

/** One long-running operation. */
export interface OperationRecord extends Location {
  /** `projects/P/regions/R/operations/UUID` */
  readonly name: string
  readonly type: OperationType
  readonly clusterName: string
  readonly labels: Labels
  readonly sequence: number
  /** The metadata as of now. */
  readonly metadata: () => PackedMessage
  /** Asks the work behind it to stop; absent where Dataproc cannot. */
  readonly cancel?: () => void
  result?: OperationResult
}

/** What `ClusterOperations.start` needs to know of the cluster. */
export interface OperationTarget extends Location {
  readonly name: string
  readonly uuid: string
  readonly labels: Labels
}

const DESCRIPTIONS: Readonly<Record<OperationType, string>> = {
  CREATE: 'Create cluster with 2 workers',
  UPDATE: 'Update cluster',
  DELETE: 'Delete cluster',
  DIAGNOSE: 'Diagnose cluster',
  SUBMIT: 'Submit job',
}

/** All operations, as `google.longrunning.Operations` serves them. */
export class OperationTable {
  readonly #clock: StandInClock
  readonly #records = new Map<string, OperationRecord>()
  readonly #waiting = new Map<string, (() => void)[]>()
  #sequence = 0

  constructor(clock: StandInClock) {
    this.#clock = clock
  }

  /** Starts an operation on a cluster; its metadata is `ClusterOperationMetadata`, with its states and their times. */
  startOnCluster(type: OperationType, cluster: OperationTarget, cancel?: () => void): OperationRecord {
    const started = this.#clock.now()
    const status = (state: 'PENDING' | 'RUNNING' | 'DONE', at: number) => ({
      state,
      innerState: state,
      stateStartTime: timestamp(at),
    })
    let ended: number | undefined
    const record = this.#add(type, cluster, cluster.name, cluster.labels, cancel, () => {
      if (record.result !== undefined) ended ??= this.#clock.now()
      const history = [status('PENDING', started)]
      if (ended !== undefined) history.push(status('RUNNING', started))
      return packDataproc('ClusterOperationMetadata', {
        clusterName: cluster.name,
        clusterUuid: cluster.uuid,
        status: ended === undefined ? status('RUNNING', started) : status('DONE', ended),
        statusHistory: history,
        operationType: type,
        description: DESCRIPTIONS[type],
        labels: cluster.labels,
      })
    })
    return record
  }

  /** Starts an operation with metadata of the caller's own. */
  start(
    type: OperationType,
    at: Location,
    clusterName: string,
    labels: Labels,
    metadata: () => PackedMessage,
    cancel?: () => void,
  ): OperationRecord {
    return this.#add(type, at, clusterName, labels, cancel, metadata)
  }

  /** Ends an operation; the first end counts. */
  finish(record: OperationRecord, result: OperationResult): void {
    if (record.result !== undefined) return
    record.result = result
    record.metadata()
    for (const wake of this.#waiting.get(record.name) ?? []) wake()
    this.#waiting.delete(record.name)
  }

  get(name: string): OperationRecord | undefined {
    return this.#records.get(name)
  }

  /** All operations of a region, newest first. */
  list(at: Location): OperationRecord[] {
    const prefix = operationsPrefix(at)
    return [...this.#records.values()].filter(({ name }) => name.startsWith(prefix)).reverse()
  }

  delete(name: string): void {
    this.#records.delete(name)
  }

  /** Resolves when the operation is done or `ms` real milliseconds have passed. */
  async whenDone(record: OperationRecord, ms: number): Promise<void> {
    if (record.result !== undefined) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      timer.unref()
      const wake = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#waiting.set(record.name, [...(this.#waiting.get(record.name) ?? []), wake])
    })
  }

  #add(
    type: OperationType,
    { project, region }: Location,
    clusterName: string,
    labels: Labels,
    cancel: (() => void) | undefined,
    metadata: () => PackedMessage,
  ): OperationRecord {
    const name = `${operationsPrefix({ project, region })}${randomUUID()}`
    this.#sequence += 1
    const base = { project, region, name, type, clusterName, labels, metadata, sequence: this.#sequence }
    const record: OperationRecord = cancel === undefined ? base : { ...base, cancel }
    this.#records.set(name, record)
    return record
  }
}

/** The operation as the API returns it. */
export function operationMessage(record: OperationRecord): Operation {
  const { name, result } = record
  return { name, metadata: record.metadata(), done: result !== undefined, ...result }
}

function operationsPrefix({ project, region }: Location): string {
  return `projects/${project}/regions/${region}/operations/`
}
