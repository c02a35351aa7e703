import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Bench, Outcome } from './bench.ts'

/** Where the benchmarks keep their files; not kept in the repository. */
export const FOLDER = join(import.meta.dirname, '..', '..', '.local', 'bench')

/** What a benchmark found, as text. */
export function textOf({ name, question }: Bench, { series, verdicts, notes }: Outcome): string {
  return [
    '',
    `${name}: ${question}`,
    '',
    ...tableOf([
      ['', 'n', 'median', 'p10', 'p90', ''],
      ...series.map((row) => [
        row.name,
        String(row.count),
        rounded(row.median),
        rounded(row.p10),
        rounded(row.p90),
        row.unit,
      ]),
    ]),
    '',
    ...verdicts.map(({ goal, seen, met }) => `  ${met ? 'met    ' : 'NOT met'}  ${goal}: ${seen}`),
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n')
}

/** Writes what a benchmark found, with the machine it was found on. @returns the file */
export function writeJson({ name, question }: Bench, outcome: Outcome, seconds: number): string {
  mkdirSync(FOLDER, { recursive: true })
  const at = new Date().toISOString()
  const file = join(FOLDER, `${name}-${at.replaceAll(/[:.]/g, '-')}.json`)
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  }
  writeFileSync(file, `${JSON.stringify({ name, question, at, seconds, machine, ...outcome }, null, 2)}\n`)
  return file
}

function tableOf(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map(
    (row) =>
      `  ${row.map((text, column) => (column === 0 || column === row.length - 1 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join('  ')}`,
  )
}

/** Three significant digits, which is more than a noisy machine gives. */
function rounded(value: number): string {
  return Math.abs(value) >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
