import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Problem } from './problem.ts'
import { readTexts } from './url-values.ts'

interface Fault {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: object
}

type Properties = Readonly<Record<string, { readonly description?: string } | undefined>>

/**
 * Compiles the schemas of requests. Bodies must have the right types as they are; what comes in a URL is text, and is
 * converted first. A fault becomes a 400 with one sentence.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const convert = httpPart !== 'body'
  const check = checker(schema, placeOf(httpPart))
  return (value: unknown) => {
    const read = convert ? readTexts(schema, value) : value
    const problem = check(read)
    return problem === undefined ? { value: read } : { error: problem }
  }
}

/**
 * A check of values against a schema.
 * @param place what the sentence calls the value: `the body`
 */
export function checker(schema: TSchema, place: string): (value: unknown) => Problem | undefined {
  const validator = Compile(schema)
  const { properties = {} } = schema as { properties?: Properties }
  return (value) => {
    if (validator.Check(value)) return undefined
    return new Problem(400, sentenceOf(validator.Errors(value), place, properties))
  }
}

function placeOf(httpPart: string | undefined): string {
  if (httpPart === 'querystring') return 'the query'
  if (httpPart === 'params') return 'the path'
  return httpPart === undefined ? 'the request' : `the ${httpPart}`
}

function sentenceOf(faults: readonly Fault[], place: string, properties: Properties): string {
  const unknownNames = faults.find((fault) => fault.keyword === 'additionalProperties')
  if (unknownNames !== undefined) {
    const names = listParam(unknownNames, 'additionalProperties')
    return `${capital(place)} has ${names.length === 1 ? 'a member' : 'members'} that ${names.length === 1 ? 'is' : 'are'} not known: ${names.slice(0, 5).map(shown).join(', ')}. Known are: ${Object.keys(properties).join(', ')}.`
  }
  const [first] = faults
  if (first === undefined) return `${capital(place)} is not valid.`
  if (first.keyword === 'required') {
    return `${listParam(first, 'requiredProperties').join(', ')} is missing in ${place}.`
  }
  const field = first.instancePath.split('/').slice(1).join('.')
  const description = properties[field]?.description
  if (first.keyword === 'pattern' && description !== undefined) return `${field} is not valid. ${description}`
  return `${field === '' ? capital(place) : field} ${complaint(faults, first)}.`
}

function complaint(faults: readonly Fault[], first: Fault): string {
  const union = faults.find((fault) => fault.keyword === 'anyOf')
  if (union !== undefined && union.instancePath === first.instancePath) {
    const options = faults.filter((fault) => fault.instancePath === union.instancePath && fault !== union)
    return [...new Set(options.map((fault) => fault.message))].join(' or ')
  }
  if (first.keyword === 'enum') {
    return `must be one of ${listParam(first, 'allowedValues').join(', ')}`
  }
  if (first.keyword === 'format') return 'must be a date and time such as 2019-03-01T00:00:00Z'
  return first.message
}

function listParam(fault: Fault, name: string): readonly string[] {
  const value = (fault.params as Record<string, unknown>)[name]
  return Array.isArray(value) ? value.map(String) : []
}

function shown(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 60)}…` : name)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
