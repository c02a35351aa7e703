import type { TSchema } from 'typebox'
import { isRequired } from './environment.ts'
import { gatewayVariables, setupVariables, workerVariables } from './variables.ts'

/** What a variable's schema says of it; only what the reference shows. */
interface Facts {
  readonly description?: string
  readonly default?: string | number | boolean
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: readonly { readonly const?: string }[]
}

/** The text of `docs/configuration.md`: every variable, made from the schema that the processes check it with. */
export function configurationReference(): string {
  const shared = Object.keys(workerVariables).filter((name) => name in gatewayVariables)
  const only = (variables: object): string[] =>
    Object.keys(variables).filter((name) => !shared.includes(name))
  return [
    '# Configuration',
    '',
    'Every variable that the processes read. They are read once, at the start, and checked whole: a process with a fault in its',
    'configuration does not start, and names every fault at once. A variable that is set to nothing counts as absent.',
    '',
    'This page and `.env.example` are written by `npm run configuration` from `src/variables.ts`; a test compares them.',
    ...section('Worker and gateway', shared),
    ...section('Worker', only(workerVariables)),
    ...section('Gateway', only(gatewayVariables)),
    ...section('Set-up', Object.keys(setupVariables)),
    '',
  ].join('\n')
}

function section(title: string, names: readonly string[]): string[] {
  return [
    '',
    `## ${title}`,
    '',
    '| variable | what it is | default | allowed |',
    '| --- | --- | --- | --- |',
    ...names.map(row),
  ]
}

function row(name: string): string {
  const schema = (
    { ...workerVariables, ...gatewayVariables, ...setupVariables } as Readonly<Record<string, TSchema>>
  )[name]
  const facts = schema as Facts
  const [what = '', stated] = (facts.description ?? '').split(/; default: /)
  const fallback =
    facts.default !== undefined ? `\`${facts.default}\`` : (stated ?? (isRequired(schema) ? 'required' : ''))
  return `| \`${name}\` | ${cell(what)} | ${cell(fallback)} | ${cell(allowed(facts))} |`
}

function allowed({ pattern, minimum, maximum, anyOf }: Facts): string {
  if (anyOf !== undefined) return anyOf.map((option) => `\`${option.const}\``).join(', ')
  if (pattern !== undefined) return `\`${pattern}\``
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`
  if (minimum !== undefined) return `${minimum} or more`
  return ''
}

/** A bar would end the cell, also within code. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
