import { conditionNotMet, invalid } from './errors.ts'

/** The four comparisons that a request can ask for; generation 0 stands for 'there is no live object'. */
export interface Conditions {
  generationMatch?: bigint
  generationNotMatch?: bigint
  metagenerationMatch?: bigint
  metagenerationNotMatch?: bigint
}

/** What the comparisons look at; undefined where there is no live object. */
export interface Version {
  generation: number
  metageneration: number
}

/**
 * Reads a 64-bit parameter.
 * @throws StorageError 400 when it is there but not a whole number.
 */
export function longParameter(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^-?\d{1,19}$/.test(text)) throw invalid(`Invalid long value: '${text}' for parameter ${name}.`)
  return BigInt(text)
}

/** Reads `ifGenerationMatch` and its kin, or with the prefix `ifSource` those of the source of a copy. */
export function readConditions(query: URLSearchParams, prefix: 'if' | 'ifSource' = 'if'): Conditions {
  const conditions: Conditions = {}
  const generationMatch = longParameter(query, `${prefix}GenerationMatch`)
  const generationNotMatch = longParameter(query, `${prefix}GenerationNotMatch`)
  const metagenerationMatch = longParameter(query, `${prefix}MetagenerationMatch`)
  const metagenerationNotMatch = longParameter(query, `${prefix}MetagenerationNotMatch`)
  if (generationMatch !== undefined) conditions.generationMatch = generationMatch
  if (generationNotMatch !== undefined) conditions.generationNotMatch = generationNotMatch
  if (metagenerationMatch !== undefined) conditions.metagenerationMatch = metagenerationMatch
  if (metagenerationNotMatch !== undefined) conditions.metagenerationNotMatch = metagenerationNotMatch
  return conditions
}

/**
 * Holds the conditions against the live object.
 * @param use a read whose `…NotMatch` fails is 304 Not Modified; everything else is 412.
 * @throws StorageError 412 or 304
 * @see https://cloud.google.com/storage/docs/request-preconditions
 */
export function checkConditions(
  conditions: Conditions,
  live: Version | undefined,
  use: 'read' | 'write',
): void {
  const generation = BigInt(live?.generation ?? 0)
  const metageneration = live === undefined ? undefined : BigInt(live.metageneration)
  const { generationMatch, generationNotMatch, metagenerationMatch, metagenerationNotMatch } = conditions
  if (generationMatch !== undefined && generationMatch !== generation) throw conditionNotMet(412)
  if (metagenerationMatch !== undefined && metagenerationMatch !== metageneration) throw conditionNotMet(412)
  const notMatched = use === 'read' ? 304 : 412
  if (generationNotMatch !== undefined && generationNotMatch === generation) throw conditionNotMet(notMatched)
  if (metagenerationNotMatch !== undefined && metagenerationNotMatch === metageneration) {
    throw conditionNotMet(notMatched)
  }
}
