import { describe, expect, test } from '@jest/globals'
import { type LifecycleRule, planLifecycle } from '../../src/setup/lifecycle.ts'
import { mayLoad } from '../../src/setup/locations.ts'

const foreign: readonly LifecycleRule[] = [
  { action: { type: 'SetStorageClass', storageClass: 'COLDLINE' }, condition: { age: 90 } },
  { action: { type: 'Delete' }, condition: { age: 7, matchesPrefix: ['elsewhere/transformed-'] } },
  {
    action: { type: 'Delete' },
    condition: {
      age: 7,
      matchesPrefix: ['exports/transformed-', 'exports/rejected-'],
      matchesSuffix: ['.csv'],
    },
  },
]

describe('the lifecycle of temporary files', () => {
  test('has a rule for each folder, which matches whole names from their beginning', () => {
    const { rules, lacking } = planLifecycle([], ['exports/', ''], 30)
    expect(lacking).toEqual(['exports/', ''])
    expect(rules).toEqual([
      {
        action: { type: 'Delete' },
        condition: { age: 30, matchesPrefix: ['exports/rejected-', 'exports/transformed-'] },
      },
      { action: { type: 'Delete' }, condition: { age: 30, matchesPrefix: ['rejected-', 'transformed-'] } },
    ])
    expect(planLifecycle(rules, ['exports/', ''], 30).lacking).toEqual([])
  })

  test('keeps the rules of others as they were, and before its own', () => {
    const { rules } = planLifecycle(foreign, ['exports/'], 30)
    expect(rules.slice(0, foreign.length)).toEqual(foreign)
    expect(rules).toHaveLength(foreign.length + 1)
  })

  test('replaces its own rule when the days change, whatever the order of its prefixes', () => {
    const old: LifecycleRule = {
      action: { type: 'Delete' },
      condition: { age: 7, matchesPrefix: ['exports/transformed-', 'exports/rejected-'] },
    }
    const { rules, lacking } = planLifecycle([old], ['exports/'], 30)
    expect(lacking).toEqual(['exports/'])
    expect(rules.map(({ condition }) => condition.age)).toEqual([30])
  })
})

test.each([
  ['EUROPE-WEST1', 'US', true],
  ['EUROPE-WEST1', 'EU', true],
  ['EUROPE-WEST2', 'EU', false],
  ['US-CENTRAL1', 'us-central1', true],
  ['US', 'us-central1', false],
  ['US-EAST1', 'us-central1', false],
])('of a bucket in %s and a dataset in %s, BigQuery loads: %s', (bucket, dataset, may) => {
  expect(mayLoad({ location: bucket }, dataset)).toBe(may)
})
