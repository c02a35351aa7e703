import { describe, expect, test } from '@jest/globals'
import { waitingSeconds } from '../../workflows/cluster-seconds.ts'

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString()

describe('paid seconds in which a running cluster had no job', () => {
  test('are those before the job was taken and those after it had ended', () => {
    const times = {
      runningAt: at(100),
      jobAcceptedAt: at(101.5),
      jobEndedAt: at(200),
      deleteRequestedAt: at(200.25),
    }
    expect(waitingSeconds(times)).toBeCloseTo(1.75, 6)
  })

  test('are all of them when there was no job', () => {
    expect(waitingSeconds({ runningAt: at(100), deleteRequestedAt: at(107) })).toBe(7)
  })

  test('are none in a cluster that vanished under its job', () => {
    expect(waitingSeconds({ runningAt: at(100), jobAcceptedAt: at(102) })).toBe(2)
  })

  test('are not known when the cluster never ran, or nothing is known but that it ran', () => {
    expect(waitingSeconds({})).toBeUndefined()
    expect(waitingSeconds({ deleteRequestedAt: at(1) })).toBeUndefined()
    expect(waitingSeconds({ runningAt: at(1) })).toBeUndefined()
  })

  test('are never less than 0, whatever the clocks say', () => {
    const times = {
      runningAt: at(100),
      jobAcceptedAt: at(99),
      jobEndedAt: at(200),
      deleteRequestedAt: at(199),
    }
    expect(waitingSeconds(times)).toBe(0)
  })
})
