import type { TSchema } from 'typebox'
import { isRequired } from './environment.ts'
import { gatewayVariables, setupVariables, workerVariables } from './variables.ts'

/** A variable, as its schema tells it. */
export interface Variable {
  readonly name: string
  readonly description: string
  readonly required: boolean
  readonly default?: string | number | boolean
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: readonly { readonly const?: string }[]
}

/** Variables that are read by the same processes. */
export interface VariableGroup {
  readonly title: string
  readonly variables: readonly Variable[]
}

/** Every variable once, by who reads it, in the order in which the references list them. */
export function variableGroups(): readonly VariableGroup[] {
  const isShared = (name: string): boolean => name in workerVariables && name in gatewayVariables
  const group = (
    title: string,
    schemas: Readonly<Record<string, TSchema>>,
    belongs: (name: string) => boolean = () => true,
  ): VariableGroup => ({
    title,
    variables: Object.entries(schemas).flatMap(([name, schema]) =>
      belongs(name) ? [variableOf(name, schema)] : [],
    ),
  })
  const isNotShared = (name: string): boolean => !isShared(name)
  return [
    group('Worker and gateway', workerVariables, isShared),
    group('Worker', workerVariables, isNotShared),
    group('Gateway', gatewayVariables, isNotShared),
    group('Set-up', setupVariables),
  ]
}

function variableOf(name: string, schema: TSchema): Variable {
  return { description: '', ...(schema as Partial<Variable>), name, required: isRequired(schema) }
}
