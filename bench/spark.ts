import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tools } from '../local/toolchain/tools.ts'
import { sparkEnvironment } from '../test/support/spark.ts'
import { contentOf, openDuckdb, statementOf } from './spark/duckdb.ts'
import { writeTrips } from './spark/trips.ts'
import type { Bench, Outcome } from './support/bench.ts'
import { median, summaryOf } from './support/statistics.ts'

/** Fewer, such as BENCH_ROWS=200000, for a first look; the goals are for all. */
const ROWS = Number(process.env['BENCH_ROWS'] ?? 4_000_000)
const FILES = 16
const ROUNDS = 2
const THREADS = 2
const GOAL_MAP = 3
const GOAL_DUCKDB = 3

/** The Spark script, a map in Python and DuckDB, in turns on the same files. */
export const spark: Bench = {
  name: 'spark',
  question: `how fast is the Spark job over ${ROWS} trips, on ${THREADS} threads?`,
  async run(say): Promise<Outcome> {
    const folder = mkdtempSync(join(tmpdir(), 'bench-spark-'))
    try {
      const raw = join(folder, 'raw')
      say(`writing ${ROWS} trips`)
      const bytes = await writeTrips(raw, ROWS, FILES)
      const duckdb = await openDuckdb(THREADS)
      const [whole, warm, mapped, limit] = [[], [], [], []] as [number[], number[], number[], number[]]
      for (let round = 1; round <= ROUNDS; round++) {
        say(`round ${round} of ${ROUNDS}`)
        const out = (name: string): string => join(folder, `${name}-${round}`)

        mapped.push(timed(() => submit('row_at_a_time.py', [`file://${raw}`, `file://${out('map')}`])))
        let printed = ''
        whole.push(timed(() => (printed = submit('timed_job.py', ourArguments(raw, out('ours'))))))
        warm.push(Number(printed.trim().split('\n').at(-1)))
        const began = performance.now()
        await duckdb.run(statementOf(`${raw}/*.json`, out('duckdb')))
        limit.push((performance.now() - began) / 1000)

        const contents = await Promise.all(
          [`${out('ours')}/part-*`, `${out('map')}/part-*`, out('duckdb')].map((csv) =>
            contentOf(duckdb, csv),
          ),
        )
        if (new Set(contents).size !== 1 || !contents[0]?.startsWith(`${ROWS} rows`))
          throw new Error(`The outputs differ: ${contents.join('; ')}`)
        for (const name of ['ours', 'map', 'duckdb']) rmSync(out(name), { recursive: true, force: true })
      }
      const [faster, slower] = [median(mapped) / median(whole), median(warm) / median(limit)]
      return {
        series: [
          { name: 'the Spark job, with its start', unit: 's', ...summaryOf(whole) },
          { name: 'a map in Python, with its start', unit: 's', ...summaryOf(mapped) },
          { name: 'the Spark job once Spark is up', unit: 's', ...summaryOf(warm) },
          { name: 'one DuckDB statement', unit: 's', ...summaryOf(limit) },
        ],
        verdicts: [
          {
            goal: `at least ${GOAL_MAP} × as fast as the map`,
            seen: `${faster.toFixed(2)} ×`,
            met: faster >= GOAL_MAP,
          },
          {
            goal: `at most ${GOAL_DUCKDB} × DuckDB's time`,
            seen: `${slower.toFixed(2)} ×`,
            met: slower <= GOAL_DUCKDB,
          },
        ],
        notes: [
          `${(bytes / 1e9).toFixed(2)} GB of JSON in ${FILES} files; the three outputs hold the same rows, by count and hash.`,
        ],
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

function ourArguments(raw: string, out: string): string[] {
  return ['--gcs_path_raw', `file://${raw}/`, '--gcs_path_transformed', `file://${out}/`]
}

/** Runs a program on Spark as a cluster's image would: nothing is set but the number of threads and the memory. */
function submit(program: string, args: readonly string[]): string {
  const file = join(import.meta.dirname, 'spark', program)
  const ran = spawnSync(
    join(tools.sparkHome, 'bin', 'spark-submit'),
    ['--master', `local[${THREADS}]`, '--driver-memory', '2g', file, ...args],
    {
      encoding: 'utf8',
      env: sparkEnvironment(),
    },
  )
  if (ran.status !== 0) throw new Error(`${program} failed:\n${ran.stderr.slice(-4000)}`)
  return ran.stdout
}

/** @returns seconds */
function timed(work: () => unknown): number {
  const began = performance.now()
  work()
  return (performance.now() - began) / 1000
}
