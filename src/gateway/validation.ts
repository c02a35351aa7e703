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

/** As much of an object's schema as the sentences need. */
interface Described {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Described | undefined>>
  readonly anyOf?: readonly Described[]
}

/**
 * Compiles the schemas of requests. Bodies must have the right types as they are; what comes in a URL is text, and is
 * converted first. A fault becomes a 400 with one sentence.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const convert = httpPart !== 'body'
  const check = checker(schema, placeOf(httpPart))
  return (value: unknown) => {
    const read = convert ? readTexts(schema, value) : value
    const problem = check(read) ?? (convert ? unseenIn(read, placeOf(httpPart)) : undefined)
    return problem === undefined ? { value: read } : { error: problem }
  }
}

// No value of ours holds one, and what lies behind the gateway takes them for errors of its own.
const UNSEEN = /[\p{Cc}\p{Surrogate}]/u

function unseenIn(values: unknown, place: string): Problem | undefined {
  const found = Object.entries(values ?? {}).find(([, value]) =>
    [value].flat().some((one) => typeof one === 'string' && UNSEEN.test(one)),
  )
  return found && new Problem(400, `${shown(found[0])} in ${place} holds a control character. Leave it out.`)
}

/**
 * A check of values against a schema.
 * @param place what the sentence calls the value: `the body`
 */
export function checker(schema: TSchema, place: string): (value: unknown) => Problem | undefined {
  const validator = Compile(schema)
  return (value) => {
    if (validator.Check(value)) return undefined
    return new Problem(400, sentenceOf(validator.Errors(value), place, schema as Described))
  }
}

function placeOf(httpPart: string | undefined): string {
  if (httpPart === 'querystring') return 'the query'
  if (httpPart === 'params') return 'the path'
  return httpPart === undefined ? 'the request' : `the ${httpPart}`
}

function sentenceOf(faults: readonly Fault[], root: string, schema: Described): string {
  const unknownNames = faults.find((fault) => fault.keyword === 'additionalProperties')
  if (unknownNames !== undefined) {
    const names = listParam(unknownNames, 'additionalProperties')
    const { place, at } = where(unknownNames, root, schema)
    return `${capital(place)} has ${names.length === 1 ? 'a member' : 'members'} that ${names.length === 1 ? 'is' : 'are'} not known: ${names.slice(0, 5).map(shown).join(', ')}. Known are: ${Object.keys(at?.properties ?? {}).join(', ')}.`
  }
  const [first] = faults
  if (first === undefined) return `${capital(root)} is not valid.`
  const { place, at } = where(first, root, schema)
  if (first.keyword === 'required') {
    return `${listParam(first, 'requiredProperties').join(', ')} is missing in ${place}.`
  }
  const subject = first.instancePath === '' ? capital(place) : place
  const description = descriptionOf(at)
  const isPattern = faults.some(
    ({ keyword, instancePath }) => keyword === 'pattern' && instancePath === first.instancePath,
  )
  if (isPattern && description !== '') return `${subject} is not valid.${description}`
  const isChoice = first.keyword === 'enum' || (first.params as { type?: unknown }).type === 'null'
  return `${subject} ${complaint(faults, first)}.${isChoice ? description : ''}`
}

function descriptionOf(at: Described | undefined): string {
  const description = at?.description ?? at?.anyOf?.find((option) => option.description)?.description
  return description === undefined ? '' : ` ${description}`
}

/** The faulty value, as a sentence calls it, and what its schema says of it. */
function where({ instancePath }: Fault, root: string, schema: Described) {
  const names = instancePath.split('/').slice(1)
  const at = names.reduce<Described | undefined>((inner, name) => inner?.properties?.[name], schema)
  return { place: names.length === 0 ? root : names.join('.'), at }
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
