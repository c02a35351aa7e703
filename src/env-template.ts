import type { TSchema } from 'typebox'
import { isRequired } from './environment.ts'
import { gatewayVariables, setupVariables, workerVariables } from './variables.ts'

/** The text of `.env.example`: each variable once, with what it is for, its unit and its default. */
export function envTemplate(): string {
  const shared = Object.keys(workerVariables).filter((name) => name in gatewayVariables)
  const only = (variables: object): string[] =>
    Object.keys(variables).filter((name) => !shared.includes(name))
  return [
    '# Copy to .env and fill in. A variable without a value has the default that is named; "required" ones have none.',
    ...section('Worker and gateway', shared),
    ...section('Worker', only(workerVariables)),
    ...section('Gateway', only(gatewayVariables)),
    ...section('Set-up', Object.keys(setupVariables)),
    '',
  ].join('\n')
}

function section(title: string, names: readonly string[]): string[] {
  return ['', `## ${title}`, ...names.flatMap(entry)]
}

function entry(name: string): string[] {
  const schema = (
    { ...workerVariables, ...gatewayVariables, ...setupVariables } as Readonly<Record<string, TSchema>>
  )[name]
  const facts = schema as { readonly description?: string; readonly default?: string | number }
  const required = isRequired(schema) ? ' Required.' : ''
  const note = facts.default !== undefined ? ` Default: ${facts.default}` : required
  const description = `${(facts.description ?? '').replace(/^./, (letter) => letter.toUpperCase())}.`
  return ['', `# ${description}${note}`, `${name}=`]
}
