import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'

/** Reports every fault of the environment at once, one line a variable. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  /** One sentence a variable. */
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    const count = `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}`
    super(`The configuration has ${count}:\n${faults.map((line) => `  ${line}`).join('\n')}`)
    this.faults = faults
  }
}

/** A comma-separated list; blanks around and empty entries are dropped. */
export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
}

/** Options of a variable: what it is for, with its unit, and how a good value looks. */
interface VariableOptions {
  readonly description: string
}

interface TextOptions extends VariableOptions {
  readonly default?: string
  /** A regular expression that a good value matches. */
  readonly pattern?: string
}

interface NumberOptions extends VariableOptions {
  readonly default: number
  readonly minimum?: number
  readonly maximum?: number
}

/** A text variable; required unless it has a default. */
export function text(options: TextOptions) {
  return Type.String({ minLength: 1, ...options })
}

/** A text variable that may be absent. */
export function optionalText(options: TextOptions) {
  return Type.Optional(Type.String({ minLength: 1, ...options }))
}

/** Whether a process does not start without the variable. */
export function isRequired(variable: TSchema | undefined): boolean {
  return variable !== undefined && !Type.IsOptional(variable) && !('default' in variable)
}

/** A whole number. */
export function integer(options: NumberOptions) {
  return Type.Integer({ ...options })
}

/** A whole number that may be absent. */
export function optionalInteger(options: Omit<NumberOptions, 'default'>) {
  return Type.Optional(Type.Integer({ ...options }))
}

/** One of some words. */
export function choice<T extends string>(
  words: readonly T[],
  options: VariableOptions & { readonly default: T },
) {
  return Type.Union(
    words.map((word) => Type.Literal(word)),
    { ...options },
  )
}

/** A number. */
export function number(options: NumberOptions) {
  return Type.Number({ ...options })
}

/** What the variables say, and each fault in them, one line a variable. Whoever finds faults refuses the values. */
export interface CheckedEnvironment<T extends TObject> {
  readonly values: Static<T>
  readonly faults: readonly string[]
}

/** Reads the variables of `schema`. A variable set to nothing counts as absent, as in a dotenv template. */
export function checkEnvironment<T extends TObject>(
  schema: T,
  env: Readonly<Record<string, string | undefined>>,
): CheckedEnvironment<T> {
  const present = Object.fromEntries(
    Object.keys(schema.properties).flatMap((name) => (env[name] ? [[name, env[name]]] : [])),
  )
  const value = Value.Convert(schema, Value.Default(schema, present))
  const faults = new Map<string, string>()
  for (const error of Value.Errors(schema, value)) {
    const names =
      error.keyword === 'required'
        ? error.params.requiredProperties
        : [error.instancePath.split('/')[1] ?? '']
    for (const name of names) if (!faults.has(name)) faults.set(name, faultOf(schema, name, error))
  }
  return { values: value as Static<T>, faults: [...faults.values()] }
}

/**
 * Lets a configuration without faults pass.
 * @throws ConfigurationError that names every fault
 */
export function refuseFaults(faults: readonly string[]): void {
  if (faults.length > 0) throw new ConfigurationError(faults)
}

/** What people need not read a regular expression for. */
const WORDS: Readonly<Record<string, string>> = {
  required: 'is missing',
  pattern: 'does not have the form that it must have',
}

function faultOf(
  schema: TObject,
  name: string,
  error: { readonly keyword: string; readonly message: string },
): string {
  const description =
    (schema.properties[name] as { readonly description?: string } | undefined)?.description ?? ''
  const what = WORDS[error.keyword] ?? error.message
  return `${name} ${what} (${description})`
}
