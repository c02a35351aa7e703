import { archive } from './archive.ts'
import { gatewayPost } from './gateway-post.ts'
import { historySize } from './history-size.ts'
import { manyRuns } from './many-runs.ts'
import { orchestration } from './orchestration.ts'
import { spark } from './spark.ts'
import type { Bench } from './support/bench.ts'
import { textOf, writeJson } from './support/report.ts'
import { waiting } from './waiting.ts'

const BENCHES: readonly Bench[] = [orchestration, waiting, manyRuns, gatewayPost, spark, archive, historySize]

const names = process.argv.slice(2)
const unknown = names.find((name) => BENCHES.every((bench) => bench.name !== name))
if (unknown !== undefined) {
  console.error(`There is no benchmark ${unknown}. There are: ${BENCHES.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}
const missed: string[] = []
for (const bench of BENCHES.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const started = performance.now()
  const outcome = await bench.run((line) => console.error(`  ${bench.name}: ${line}`))
  console.log(textOf(bench, outcome))
  console.log(`  ${writeJson(bench, outcome, (performance.now() - started) / 1000)}`)
  missed.push(...outcome.verdicts.filter(({ met }) => !met).map(({ goal }) => `${bench.name}: ${goal}`))
}
console.log(
  missed.length === 0
    ? '\nAll goals met.'
    : `\nGoals not met:\n${missed.map((goal) => `  ${goal}`).join('\n')}`,
)
