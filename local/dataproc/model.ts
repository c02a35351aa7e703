import type { protos } from '@google-cloud/dataproc'

/** Messages of the Dataproc v1 API, as the official client names them. */
export type Cluster = protos.google.cloud.dataproc.v1.ICluster
export type ClusterConfig = protos.google.cloud.dataproc.v1.IClusterConfig
export type LifecycleConfig = protos.google.cloud.dataproc.v1.ILifecycleConfig
export type Job = protos.google.cloud.dataproc.v1.IJob
export type ClusterState = keyof typeof protos.google.cloud.dataproc.v1.ClusterStatus.State
export type JobState = keyof typeof protos.google.cloud.dataproc.v1.JobStatus.State

/** A message for `google.protobuf.Any`: the encoder looks its type up by `@type` and packs it. */
export interface PackedMessage {
  readonly '@type': string
  readonly [field: string]: unknown
}

/** `google.rpc.Status` without details. */
export interface RpcStatus {
  readonly code: number
  readonly message: string
}

/** `google.longrunning.Operation`. */
export interface Operation {
  readonly name: string
  readonly metadata: PackedMessage
  readonly done: boolean
  readonly error?: RpcStatus
  readonly response?: PackedMessage
}

/** Where a resource lives. */
export interface Location {
  readonly project: string
  readonly region: string
}

/** States in which a job is over. */
export const TERMINAL_JOB_STATES: ReadonlySet<string> = new Set<JobState>(['DONE', 'ERROR', 'CANCELLED'])

/** Packs a Dataproc v1 message. */
export function packDataproc(type: string, message: object): PackedMessage {
  return { '@type': `type.googleapis.com/google.cloud.dataproc.v1.${type}`, ...message }
}

/** The packed `google.protobuf.Empty`. */
export const PACKED_EMPTY: PackedMessage = { '@type': 'type.googleapis.com/google.protobuf.Empty' }
