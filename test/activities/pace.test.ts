import { describe, expect, test } from '@jest/globals'
import { pauseAfter, type Urgency } from '../../activities/pace.ts'

const POLLING = { minimum: 500, maximum: 5000 }
const MINUTE = 60_000

/** Times of the looks at something that takes so long. */
function looks(urgency: Urgency, takesMs: number): number[] {
  const times = [0]
  for (let at = 0; at < takesMs; ) {
    at += pauseAfter(at, urgency, POLLING)
    times.push(at)
  }
  return times
}

describe('the pace of looks', () => {
  test('P5: a cluster or job that takes a minute is seen to end within two seconds', () => {
    for (const urgency of ['boot', 'job'] as const) {
      for (let takes = 45_000; takes < 75_000; takes += 100)
        expect((looks(urgency, takes).at(-1) ?? 0) - takes).toBeLessThan(2000)
    }
  })

  test('a run of three minutes spends at most twenty looks a minute', () => {
    const all = (['boot', 'job', 'farewell'] as const).flatMap((urgency) => looks(urgency, MINUTE))
    expect(all.length / 3).toBeLessThanOrEqual(20)
  })

  test('what ends at once is seen at once', () => {
    for (const urgency of ['boot', 'job', 'load'] as const) expect(looks(urgency, 1)).toEqual([0, 500])
  })

  test('what takes hours is looked at no more often than the longest pause allows', () => {
    expect(pauseAfter(60 * MINUTE, 'job', POLLING)).toBe(5000)
    expect(pauseAfter(60 * MINUTE, 'load', POLLING)).toBe(5000)
    expect(pauseAfter(60 * MINUTE, 'farewell', POLLING)).toBe(20_000)
  })
})
