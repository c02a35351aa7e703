import type { protos } from '@google-cloud/dataproc'

type Timestamp = protos.google.protobuf.ITimestamp
type Duration = protos.google.protobuf.IDuration

/** A protobuf Timestamp of milliseconds since the epoch. */
export function timestamp(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1000)
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) }
}

/** Milliseconds of a protobuf Duration, or since the epoch of a protobuf Timestamp. */
export function milliseconds(value: Duration | Timestamp): number {
  return Number(value.seconds ?? 0) * 1000 + (value.nanos ?? 0) / 1e6
}
