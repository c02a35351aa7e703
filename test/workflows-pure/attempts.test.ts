import { describe, expect, test } from '@jest/globals'
import { firstAttempt, nextAttempt } from '../../workflows/attempts.ts'
import { planRun } from '../../workflows/plan.ts'
import { RUN_DEFAULTS } from '../support/run-defaults.ts'

const plan = planRun({ rawPath: 'raw-1' }, RUN_DEFAULTS)
const prepared = (zones: readonly string[]) => ({
  deployment: 'test',
  plan,
  deadlines: { createCluster: 1, sparkJob: 1, clusterLifetime: 2 },
  zones,
  cloud: { project: 'some-project', region: 'us-central1', bigqueryLocation: 'US' },
  clusterSlots: 'cluster-slots/test',
})
const uuid = () => crypto.randomUUID()

describe('the attempts of a run', () => {
  test('P6: take all their names from one key', () => {
    const { current } = firstAttempt(prepared([]), '00112233-4455-6677-8899-aabbccddeeff')
    expect(current).toEqual({
      number: 1,
      key: '00112233445566778899aabbccddeeff',
      clusterName: 'average-speed-00112233445566778899aabbccddeeff',
      sparkJobId: 'average-speed-00112233445566778899aabbccddeeff',
      outputPath: 'gs://raw-bucket/transformed-1/00112233445566778899aabbccddeeff/',
      rejectedPath: 'gs://raw-bucket/rejected-1/00112233445566778899aabbccddeeff/',
    })
    expect(current.clusterName.length).toBeLessThanOrEqual(51)
  })

  test('a stockout is followed by the next zone until there is none', () => {
    const run = prepared(['a', 'b', 'c'])
    const first = firstAttempt(run, uuid())
    const second = nextAttempt(first, 'Stockout', run, uuid)
    const third = second && nextAttempt(second, 'Stockout', run, uuid)
    expect([first, second, third].map((attempts) => attempts?.current.zone)).toEqual(['a', 'b', 'c'])
    expect(third && nextAttempt(third, 'Stockout', run, uuid)).toBeUndefined()
  })

  test.each(['ClusterGone', 'OutputGone', 'ClusterCreationFailed'] as const)(
    'P13: %s is followed by one more, under other names and in the same zone',
    (failure) => {
      const run = prepared(['a', 'b'])
      const first = firstAttempt(run, uuid())
      const second = nextAttempt(first, failure, run, uuid)
      expect(second?.current).toMatchObject({ number: 2, zone: 'a' })
      expect(second?.current.clusterName).not.toBe(first.current.clusterName)
      expect(second && nextAttempt(second, failure, run, uuid)).toBeUndefined()
      expect(second && nextAttempt(second, 'Stockout', run, uuid)?.current.zone).toBe('b')
    },
  )

  test.each(['QuotaExceeded', 'PermissionDenied', 'SparkJobFailed', 'TooManyRejects', 'Internal'] as const)(
    '%s is final',
    (failure) => {
      const run = prepared(['a', 'b'])
      expect(nextAttempt(firstAttempt(run, uuid()), failure, run, uuid)).toBeUndefined()
    },
  )
})
