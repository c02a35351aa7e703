import { Control } from '../support/control.ts'
import { type LedgerCluster, startPipeline } from '../support/pipeline.ts'
import { SHARED } from './blows.ts'
import { checkCatalogue } from './catalogue.ts'
import { type Lane, openLane } from './lanes.ts'
import { type PlannedRun, planOf } from './plan.ts'
import { isFailed, type RunLine, tell } from './report.ts'
import { type Arena, carryOut, type RunOutcome } from './run.ts'

/** What to run. */
export interface SuiteOptions {
  readonly seed: number
  /** Runs that are to count. */
  readonly runs: number
  /** How many of them with real Spark. */
  readonly spark: number
  /** Runs that go on at once, each on a worker of its own. */
  readonly lanes: number
  /** Only this run. */
  readonly only?: number
  /** Goes on after a violation. */
  readonly goOn: boolean
  /** Told how to take everything down at once, for a suite that is interrupted. */
  onOpen?(close: () => Promise<void>): void
  /** Told each run as it has ended, missed ones too. */
  onLine(line: RunLine): void
}

const SWEEP_PERIOD_MS = 10 * 60_000

/** A run is planned anew, for another moment each time, so often; then its number is given up for another. */
const MOST_MISSES = 6

/** What a suite has seen. */
export interface SuiteOutcome {
  readonly lines: readonly RunLine[]
  /** Clusters that are there when all is over, a period of the sweep later. */
  readonly clustersLeft: readonly string[]
}

/** Runs the suite on a local cloud of its own. */
export async function runSuite(options: SuiteOptions): Promise<SuiteOutcome> {
  const pipeline = await startPipeline()
  options.onOpen?.(() => pipeline.close())
  try {
    // Each lane has a worker of its own.
    await pipeline.worker.stop()
    // The jobs last long enough for a blow to strike while one runs.
    await pipeline.dataprocSettings({ sparkFor: '"deployment":"chaos-spark-', jobMs: 300 })
    return await runIn(
      { pipeline, restartTemporal: restarter(new Control(pipeline.cloud.get('TEMPORAL_CONTROL_URL'))) },
      options,
    )
  } finally {
    await pipeline.close()
  }
}

async function runIn(arena: Arena, options: SuiteOptions): Promise<SuiteOutcome> {
  const lines: RunLine[] = []
  const queue = queueOf(options)
  let isOver = false
  const work = async (lane: Lane, next: () => number | undefined, isSpark: boolean): Promise<void> => {
    for (let number = next(); number !== undefined && !isOver; number = next()) {
      for (let misses = 0; misses < MOST_MISSES && !isOver; misses++) {
        const line = await oneLine(arena, lane, planOf(options.seed, number, misses), isSpark)
        lines.push(line)
        options.onLine(line)
        if (isFailed(line) && !options.goOn) isOver = true
        if (line.landed) break
        if (misses === MOST_MISSES - 1) queue.another(isSpark)
      }
    }
  }
  const lanes = await openLanes(
    arena,
    'chaos',
    Math.min(options.lanes, queue.plain.length + queue.shared.length),
  )
  const [first] = lanes
  if (first !== undefined && options.only === undefined) await checkCatalogue(arena, first)
  const sparkLanes = await openLanes(arena, 'chaos-spark', Math.min(2, queue.spark.length))
  await Promise.all([
    ...lanes.map((lane) => work(lane, () => queue.plain.shift(), false)),
    ...sparkLanes.map((lane) => work(lane, () => queue.spark.shift(), true)),
  ])
  // A restart of Temporal strikes all lanes, so these runs come when all others have ended.
  await Promise.all(lanes.map((lane) => work(lane, () => queue.shared.shift(), false)))
  return { lines, clustersLeft: await clustersLeft(arena, [...lanes, ...sparkLanes]) }
}

/** Lets the period of the sweep pass on Dataproc's clock, sweeps, and looks for any cluster at all. */
async function clustersLeft({ pipeline }: Arena, lanes: readonly Lane[]): Promise<string[]> {
  await pipeline.dataproc.post('/clock/advance', { ms: SWEEP_PERIOD_MS })
  await Promise.all(lanes.map((lane) => lane.sweep()))
  const { clusters } = await pipeline.dataproc.get<{ readonly clusters: readonly LedgerCluster[] }>('/ledger')
  return clusters.filter(({ deleted }) => deleted === undefined).map(({ name }) => name)
}

async function oneLine(arena: Arena, lane: Lane, plan: PlannedRun, spark: boolean): Promise<RunLine> {
  const begin = performance.now()
  const { missed, ends, checked, violations, broken } = await carryOutOrRecover(arena, lane, plan)
  return {
    seed: plan.seed,
    run: plan.number,
    kind: plan.kind,
    strikes: plan.strikes.map(tell),
    landed: !missed,
    ends,
    checked,
    violations,
    ...(broken !== undefined && { broken }),
    seconds: Math.round((performance.now() - begin) / 100) / 10,
    spark,
    repeat: `npm run test:chaos -- --seed ${plan.seed} --run ${plan.number}${spark ? ' --spark 1' : ''}`,
  }
}

/** A failure of the suite itself is told, and the lane gets a new worker. */
async function carryOutOrRecover(
  arena: Arena,
  lane: Lane,
  plan: PlannedRun,
): Promise<RunOutcome & { readonly broken?: string }> {
  try {
    return await carryOut(arena, lane, plan)
  } catch (error) {
    await lane.replaceWorker('SIGKILL')
    const broken = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { missed: true, ends: [], checked: [], violations: [], broken }
  }
}

interface Queue {
  readonly plain: number[]
  readonly spark: number[]
  readonly shared: number[]
  /** Adds a run in the place of one whose blow misses time and again, with real Spark as well if that was. */
  another(isSpark: boolean): void
}

function queueOf({ seed, runs, spark, only }: SuiteOptions): Queue {
  const plain: number[] = []
  const withSpark: number[] = []
  const shared: number[] = []
  let next = 0
  const numbers = only === undefined ? Array.from({ length: runs }, () => next++) : [only]
  const isShared = (number: number): boolean =>
    planOf(seed, number).strikes.some(({ blow }) => SHARED.has(blow.kind))
  const every = spark === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(numbers.length / spark))
  for (const [i, number] of numbers.entries()) {
    if (isShared(number)) shared.push(number)
    else if (withSpark.length < spark && withSpark.length * every <= i) withSpark.push(number)
    else plain.push(number)
  }
  return {
    plain,
    spark: withSpark,
    shared,
    another(isSpark) {
      if (only !== undefined) return
      while (isShared(next)) next++
      ;(isSpark ? withSpark : plain).push(next++)
    },
  }
}

/** One after the other: a start is mostly work for the processor. */
async function openLanes({ pipeline }: Arena, prefix: string, count: number): Promise<Lane[]> {
  const lanes: Lane[] = []
  for (let i = 1; i <= count; i++) lanes.push(await openLane(pipeline, `${prefix}-${i}`))
  return lanes
}

function restarter(control: Control): Arena['restartTemporal'] {
  let last: Promise<unknown> = Promise.resolve()
  return async (kill) => {
    const mine = last.catch(() => undefined).then(() => control.post('/restart', { kill }))
    last = mine
    await mine
  }
}
