import type { TSchema } from 'typebox'
import { gatewayVariables, workerVariables } from './variables.ts'

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
    '',
  ].join('\n')
}

function section(title: string, names: readonly string[]): string[] {
  return ['', `## ${title}`, ...names.flatMap(entry)]
}

function entry(name: string): string[] {
  const schema = ({ ...workerVariables, ...gatewayVariables } as Readonly<Record<string, TSchema>>)[name] as {
    readonly description?: string
    readonly default?: string | number
  }
  const required = schema.default === undefined && !/default:|needed by/.test(schema.description ?? '')
  const note = schema.default !== undefined ? ` Default: ${schema.default}` : required ? ' Required.' : ''
  const description = `${(schema.description ?? '').replace(/^./, (letter) => letter.toUpperCase())}.`
  return ['', `# ${description}${note}`, `${name}=`]
}
