import { nameOfBlow, type Strike } from './blows.ts'
import type { Invariant, Violation } from './invariants.ts'
import { nameOfMoment } from './moments.ts'

/** One line of the report: a run, what struck it, and what came of it. */
export interface RunLine {
  readonly seed: number
  readonly run: number
  readonly kind: string
  readonly strikes: readonly { readonly blow: string; readonly kind: string; readonly moment?: string }[]
  readonly landed: boolean
  readonly ends: readonly string[]
  readonly checked: readonly Invariant[]
  readonly violations: readonly Violation[]
  /** Why the suite itself could not carry the run out. */
  readonly broken?: string
  readonly seconds: number
  readonly spark: boolean
  /** Repeats exactly this run. */
  readonly repeat: string
}

/** All of a suite. */
export interface Summary {
  readonly seed: number
  readonly runs: number
  readonly spark: number
  readonly missed: number
  readonly minutes: number
  readonly violations: number
  /** Runs that the suite itself could not carry out. */
  readonly broken: number
  readonly blows: Readonly<Record<string, number>>
  readonly kinds: Readonly<Record<string, number>>
  readonly ends: Readonly<Record<string, number>>
  /** How often each invariant was checked, and did not hold. */
  readonly invariants: Readonly<Record<string, { readonly checked: number; readonly violated: number }>>
  /** How often each blow has struck at each moment. */
  readonly coverage: Readonly<Record<string, Readonly<Record<string, number>>>>
}

/** True when an invariant did not hold, or could not be checked. */
export function isFailed({ violations, broken }: RunLine): boolean {
  return violations.length > 0 || broken !== undefined
}

/** How a strike is told. */
export function tell({ blow, moment }: Strike): RunLine['strikes'][number] {
  return { kind: blow.kind, blow: nameOfBlow(blow), ...(moment && { moment: nameOfMoment(moment) }) }
}

/** Adds lines up. */
export function summaryOf(seed: number, lines: readonly RunLine[], minutes: number): Summary {
  const counted = lines.filter(({ landed }) => landed)
  const blows: Record<string, number> = {}
  const kinds: Record<string, number> = {}
  const ends: Record<string, number> = {}
  const invariants: Record<string, { checked: number; violated: number }> = {}
  const coverage: Record<string, Record<string, number>> = {}
  for (const line of counted) {
    add(kinds, line.kind)
    for (const end of line.ends) add(ends, end)
    for (const { kind, moment = 'its own' } of line.strikes) {
      add(blows, kind)
      coverage[moment] ??= {}
      add(coverage[moment], kind)
    }
    for (const number of line.checked) {
      invariants[number] ??= { checked: 0, violated: 0 }
      invariants[number].checked += 1
    }
    for (const { invariant } of line.violations) {
      invariants[invariant] ??= { checked: 0, violated: 0 }
      invariants[invariant].violated += 1
    }
  }
  return {
    seed,
    runs: counted.length,
    spark: counted.filter(({ spark }) => spark).length,
    missed: lines.length - counted.length,
    minutes: Math.round(minutes * 10) / 10,
    violations: counted.reduce((sum, { violations }) => sum + violations.length, 0),
    broken: lines.filter(({ broken }) => broken !== undefined).length,
    blows,
    kinds,
    ends,
    invariants,
    coverage,
  }
}

/** The summary as Markdown, for docs/reliability.md. */
export function markdownOf(summary: Summary): string {
  const { seed, runs, spark, missed, minutes, violations, broken } = summary
  const moments = Object.keys(summary.coverage).length
  return [
    `Seed ${seed}: ${runs} runs, ${spark} of them with real Spark, in ${minutes} minutes; ${violations} violations. ${missed} more runs did not count, since their blow missed${broken === 0 ? '' : ` (${broken} of them because the suite itself failed)`}. Blows struck at ${moments} moments.`,
    table(['blow', 'landed'], sorted(summary.blows)),
    table(['kind of run', 'runs'], sorted(summary.kinds)),
    table(['end', 'runs'], sorted(summary.ends)),
    table(
      ['invariant', 'checked', 'violated'],
      Object.entries(summary.invariants).map(([number, { checked, violated }]) => [
        number,
        checked,
        violated,
      ]),
    ),
  ].join('\n\n')
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([, a], [, b]) => b - a)
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
