import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DefaultLogger } from '@temporalio/worker'
import { buildWorkflowBundle } from '../../src/worker/workflow-bundle.ts'
import { isFailed, markdownOf, type RunLine, summaryOf } from './report.ts'
import { runSuite } from './suite.ts'

const USAGE = `npm run test:chaos -- [options]
  --runs N      runs that are to count; default 10
  --seed S      what is chosen depends on it alone; default: the time
  --run K       only run K of the seed
  --spark M     M of the runs with real Spark; default 0
  --lanes L     runs at once, each on a worker of its own; default 8
  --continue    go on after a violation
  --report F    write the summary to F (JSON); default chaos-report.json below .local
  --markdown    print the summary as Markdown
`

/** Runs the suite and prints a JSON line for each run, then the summary. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now()) },
      run: { type: 'string' },
      spark: { type: 'string', default: '0' },
      lanes: { type: 'string', default: '8' },
      continue: { type: 'boolean', default: false },
      report: { type: 'string', default: join(import.meta.dirname, '../../.local/chaos-report.json') },
      markdown: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const seed = whole('seed', values.seed)
  const runs = values.run === undefined ? whole('runs', values.runs) : 1
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'))
  process.env['WORKFLOW_BUNDLE'] = join(folder, 'workflow-bundle.js')
  await buildWorkflowBundle(process.env['WORKFLOW_BUNDLE'], new DefaultLogger('ERROR'))
  const begin = performance.now()
  const seen: RunLine[] = []
  try {
    const { clustersLeft } = await runSuite({
      seed,
      runs,
      spark: whole('spark', values.spark),
      lanes: whole('lanes', values.lanes),
      ...(values.run !== undefined && { only: whole('run', values.run) }),
      goOn: values.continue,
      onOpen: closeWhenInterrupted,
      onLine(line) {
        seen.push(line)
        process.stdout.write(`${JSON.stringify(line)}\n`)
        showProgress(seen, runs, begin)
      },
    })
    for (const name of clustersLeft) {
      process.stdout.write(`The cluster ${name} is left when all is over.\n`)
      process.exitCode = 1
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
    const summary = summaryOf(seed, seen, (performance.now() - begin) / 60_000)
    await writeFile(values.report, JSON.stringify({ ...summary, lines: seen }, null, 2))
    process.stdout.write(`\n${values.markdown ? markdownOf(summary) : textOf(summary)}\n`)
    for (const line of seen.filter(isFailed)) process.stdout.write(`\nRepeat it: ${line.repeat}\n`)
  }
  if (seen.some(isFailed)) process.exitCode = 1
}

/** Workers are processes of their own and would stay. */
function closeWhenInterrupted(close: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void close().finally(() => process.exit(1))
    })
  }
}

function textOf(summary: ReturnType<typeof summaryOf>): string {
  return markdownOf(summary)
    .replaceAll(/^\| (--- \| ?)+\n/gm, '')
    .replaceAll(/^\| | \|$/gm, '  ')
    .replaceAll(' | ', '  ')
}

function showProgress(seen: readonly RunLine[], runs: number, begin: number): void {
  if (!process.stderr.isTTY) return
  const done = seen.filter(({ landed }) => landed).length
  const violations = seen.reduce((sum, line) => sum + line.violations.length, 0)
  const minutes = ((performance.now() - begin) / 60_000).toFixed(1)
  process.stderr.write(`\r\u001b[K${done} of ${runs} runs, ${violations} violations, ${minutes} minutes\r`)
}

function whole(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0)
    throw new Error(`--${name} must be a whole number, not ${text}.\n\n${USAGE}`)
  return number
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
}
