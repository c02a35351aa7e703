import { invalidArgument } from './errors.ts'
import type { LifecycleConfig } from './model.ts'
import { milliseconds } from './times.ts'

const MINUTE = 60_000
const FOURTEEN_DAYS = 14 * 24 * 60 * MINUTE

/**
 * Checks a scheduled deletion: idle 5 minutes to 14 days, age 10 minutes to 14 days, time 10 minutes to 14 days from now.
 * Source: `LifecycleConfig` in clusters.proto and https://cloud.google.com/dataproc/docs/concepts/configuring-clusters/scheduled-deletion
 * @throws StatusError INVALID_ARGUMENT
 */
export function checkLifecycle(config: LifecycleConfig | null | undefined, now: number): void {
  if (config?.idleDeleteTtl) {
    check('idle_delete_ttl', milliseconds(config.idleDeleteTtl), 5 * MINUTE, '5 minutes')
  }
  if (config?.autoDeleteTtl) {
    check('auto_delete_ttl', milliseconds(config.autoDeleteTtl), 10 * MINUTE, '10 minutes')
  }
  if (config?.autoDeleteTime) {
    check('auto_delete_time', milliseconds(config.autoDeleteTime) - now, 10 * MINUTE, '10 minutes')
  }
}

function check(field: string, ms: number, minimum: number, words: string): void {
  if (ms >= minimum && ms <= FOURTEEN_DAYS) return
  throw invalidArgument(
    `Invalid lifecycle_config.${field}: ${ms / 1000} seconds. It must be between ${words} and 14 days.`,
  )
}

/** When the cluster's age ends it, in milliseconds since the epoch; the age counts from the creation request. */
export function endOfAge(config: LifecycleConfig | null | undefined, createdAt: number): number | undefined {
  if (config?.autoDeleteTime) return milliseconds(config.autoDeleteTime)
  if (config?.autoDeleteTtl) return createdAt + milliseconds(config.autoDeleteTtl)
  return undefined
}

/** How long the cluster may idle, in milliseconds. */
export function idleLimit(config: LifecycleConfig | null | undefined): number | undefined {
  return config?.idleDeleteTtl ? milliseconds(config.idleDeleteTtl) : undefined
}
