import { makeTelemetryFilterString, type RuntimeOptions } from '@temporalio/worker'
import type { MetricsConfig } from '../config.ts'

const MINUTE = 60
const HOUR = 60 * MINUTE

/** From a call to a day: what a step, a cluster or a wait may take, in seconds. */
const LONG = [
  1,
  5,
  15,
  30,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  24 * HOUR,
]

/**
 * How the runtime hands on what its native part logs, and serves metrics for Prometheus: the SDK's own (`temporal_…`) and the pipeline's (`average_speed_…`) in one
 * place. Durations are in seconds, and counters end in `_total`, as Prometheus' naming rules want it:
 * https://prometheus.io/docs/practices/naming/
 * @param metrics absent: none are served
 */
export function telemetryOf(metrics: MetricsConfig | undefined): Pick<RuntimeOptions, 'telemetryOptions'> {
  // The SDK's native part would print lines of its own form among the JSON of the log.
  const logging = { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} }
  if (metrics === undefined) return { telemetryOptions: { logging } }
  return {
    telemetryOptions: {
      logging,
      metrics: {
        globalTags: { service: 'worker' },
        prometheus: {
          bindAddress: `${metrics.host}:${metrics.port}`,
          useSecondsForDurations: true,
          countersTotalSuffix: true,
          histogramBucketOverrides: {
            average_speed_step_seconds: LONG,
            average_speed_cluster_seconds: LONG,
            average_speed_waiting_seconds: LONG,
          },
        },
      },
    },
  }
}
