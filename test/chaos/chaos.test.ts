import { expect, test } from '@jest/globals'
import { isFull, scaled } from '../support/scale.ts'
import { isFailed, summaryOf } from './report.ts'
import { runSuite } from './suite.ts'

// The usual seed has no run that waits for long; the full one is new each time and is named by the report.
const SEED = scaled(254, Date.now())
const RUNS = scaled(10, 50)

test(
  `${RUNS} runs under fire keep every invariant (seed ${SEED})`,
  async () => {
    const { lines, clustersLeft } = await runSuite({
      seed: SEED,
      runs: RUNS,
      spark: 0,
      lanes: 5,
      goOn: isFull(),
      onLine: () => undefined,
    })
    expect(clustersLeft).toEqual([])
    expect(lines.filter(isFailed)).toEqual([])
    expect(summaryOf(SEED, lines, 0)).toMatchObject({ runs: RUNS, violations: 0 })
  },
  scaled(600_000, 3_600_000),
)
