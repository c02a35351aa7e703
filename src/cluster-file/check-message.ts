import type { Descriptors, FieldDescriptor, NamedDescriptor } from './descriptors.ts'
import { readScalar } from './scalars.ts'
import { suggestion } from './suggestion.ts'

/** What a check has found. Each entry is a sentence that begins with the field's path. */
export interface Findings {
  readonly faults: string[]
  /** What was left out and does no harm. */
  readonly notes: string[]
}

/** A check of messages in their JSON form. */
export interface MessageCheck extends Findings {
  readonly descriptors: Descriptors
  /** Why a field, by its path, is not for the user to set. */
  readonly refused: Readonly<Record<string, string>>
}

type JsonObject = Readonly<Record<string, unknown>>

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads a message from its JSON form: field names in camel case, enums by name, durations as `1800s`. Fields that only the
 * service sets are left out with a note; every other fault is noted with the field's path.
 * @returns what the client can send; whatever is at fault is missing in it
 */
export function checkMessage(
  value: unknown,
  message: NamedDescriptor,
  path: string,
  check: MessageCheck,
): Record<string, unknown> {
  const name = message.fullName.at(-1) ?? ''
  if (!isObject(value)) {
    check.faults.push(`${path || 'the file'} must be an object of ${name}'s fields`)
    return {}
  }
  const fields = message.fields ?? {}
  const read: Record<string, unknown> = {}
  for (const [key, entry] of Object.entries(value)) {
    const at = path === '' ? key : `${path}.${key}`
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined
    const refusal = check.refused[at]
    if (field === undefined) {
      check.faults.push(`${at} is not a field of ${name}${suggestion(key, Object.keys(fields))}`)
    } else if (refusal !== undefined) {
      check.faults.push(`${at} cannot be set: ${refusal}`)
    } else if (field.options?.['(google.api.field_behavior)'] === 'OUTPUT_ONLY') {
      check.notes.push(`${at} is left out: Dataproc sets it`)
    } else {
      read[key] = checkField(entry, field, message, at, check)
    }
  }
  checkOneofs(Object.keys(read), message, path, check)
  return read
}

function checkField(
  value: unknown,
  field: FieldDescriptor,
  message: NamedDescriptor,
  path: string,
  check: MessageCheck,
): unknown {
  if (field.keyType !== undefined) {
    if (isObject(value)) {
      const entries = Object.entries(value).map(
        ([key, entry]) => [key, checkValue(entry, field.type, message, `${path}.${key}`, check)] as const,
      )
      return Object.fromEntries(entries)
    }
    check.faults.push(`${path} must be an object of names and values`)
    return undefined
  }
  if (field.rule === 'repeated') {
    if (Array.isArray(value)) {
      return value.map((entry, i) => checkValue(entry, field.type, message, `${path}[${i}]`, check))
    }
    check.faults.push(`${path} must be a list`)
    return undefined
  }
  return checkValue(value, field.type, message, path, check)
}

function checkValue(
  value: unknown,
  type: string,
  scope: NamedDescriptor,
  path: string,
  check: MessageCheck,
): unknown {
  const scalar = readScalar(type, value)
  if (scalar !== undefined) {
    if ('value' in scalar) return scalar.value
    check.faults.push(`${path} must be ${scalar.expected}, not ${JSON.stringify(value)}`)
    return undefined
  }
  const found = check.descriptors.find(type, scope.fullName)
  if (found?.fields !== undefined) return checkMessage(value, found, path, check)
  const names = Object.keys(found?.values ?? {})
  if (typeof value === 'string' && names.includes(value)) return value
  check.faults.push(
    `${path} must be one of ${names.join(', ')}, not ${JSON.stringify(value)}${suggestion(String(value), names)}`,
  )
  return undefined
}

function checkOneofs(
  keys: readonly string[],
  message: NamedDescriptor,
  path: string,
  { faults }: Findings,
): void {
  for (const { oneof } of Object.values(message.oneofs ?? {})) {
    const given = oneof.filter((name) => keys.includes(name))
    if (given.length > 1) faults.push(`${path} may have only one of ${given.join(' and ')}`)
  }
}
