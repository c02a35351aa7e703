import type { StandInClock } from '../control/clock.ts'
import type { JobRunner } from './job-runner.ts'
import type { ServiceStorage } from './service-storage.ts'
import type { Settings } from './settings.ts'
export function stubRunner(_parts: {
  storage: ServiceStorage
  clock: StandInClock
  settings: Settings
}): JobRunner {
  return () => ({ outcome: Promise.resolve({ succeeded: true }), kill() {} })
}
