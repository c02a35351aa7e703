/** A JSON value with the text that a number was written as. */
export type RawValue = string | number | boolean | object | null | NumberText

/** A number as it stands in the JSON text. */
export class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A value converted to its column's type, or `undefined` when it is not of that type. */
export type Converted = string | number | bigint | null | undefined

const DECIMAL = /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/
const TIME =
  /^\s*(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|UTC|[+-]\d{2}:?\d{2})?\s*$/

/** Text; a number counts as its text. NUL characters make it no text, because BigQuery refuses them. */
export function asText(value: RawValue): Converted {
  const text = value instanceof NumberText ? value.text : value
  return typeof text === 'string' && !text.includes('\0') ? text : undefined
}

/** `Y`, `N` or null: anything else becomes null. */
export function asFlag(value: RawValue): Converted {
  return value === 'Y' || value === 'N' ? value : null
}

/** A finite double, written as a number or as text. */
export function asNumber(value: RawValue): Converted {
  const text = asText(value)
  if (typeof text !== 'string' || !DECIMAL.test(text)) return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

/** A 64-bit integer: digits, or a decimal without a fraction. */
export function asWholeNumber(value: RawValue): Converted {
  const text = asText(value)
  if (typeof text !== 'string' || !DECIMAL.test(text)) return undefined
  const whole = /^\s*([-+]?\d+)\s*$/.exec(text)?.[1]
  const number = Number(text)
  if (whole === undefined && !Number.isInteger(number)) return undefined
  const integer = BigInt(whole?.replace(/^\+/, '') ?? number)
  return integer >= -(2n ** 63n) && integer < 2n ** 63n ? integer : undefined
}

/** Microseconds since the epoch of an ISO 8601 time or BigQuery's export form; without a zone it is UTC. */
export function asTime(value: RawValue): Converted {
  const match = typeof value === 'string' ? TIME.exec(value) : null
  if (match === null) return undefined
  const [, year, month, day, hour, minute, second = '00', fraction = '', zone = 'Z'] = match
  const offset = zone === 'UTC' ? 'Z' : zone.replace(/^([+-]\d{2}):?(\d{2})$/, '$1:$2')
  const instant = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`)
  if (Number.isNaN(instant) || Number(day) !== dayOf(`${year}-${month}-${day}`)) return undefined
  return BigInt(instant) * 1000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'))
}

/** JavaScript rolls 30 February over into March; a calendar does not. */
function dayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDate()
}
