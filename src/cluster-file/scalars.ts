/** Values of the protos' JSON form (https://protobuf.dev/programming-guides/json/), read into what the client sends. */

/** A value that can be sent, or what is expected in its place. */
type Read = { readonly value: unknown } | { readonly expected: string }

const INT32_MAX = 2 ** 31 - 1

/** Reads a value of a scalar type. @returns nothing when the type is no scalar */
export function readScalar(type: string, value: unknown): Read | undefined {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? { value } : { expected: 'a text; put it in quotes' }
    case 'bool':
      return typeof value === 'boolean' ? { value } : { expected: 'true or false' }
    case 'int32': {
      const fits = Number.isInteger(value) && Math.abs(Number(value)) <= INT32_MAX
      return fits ? { value } : { expected: 'a whole number' }
    }
    case 'int64': {
      const fits = Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{1,18}$/.test(value))
      return fits ? { value } : { expected: 'a whole number' }
    }
    case 'double':
      return typeof value === 'number' ? { value } : { expected: 'a number' }
    case 'google.protobuf.Duration':
      return readDuration(value)
    case 'google.protobuf.Timestamp':
      return readTimestamp(value)
    default:
      return undefined
  }
}

function readDuration(value: unknown): Read {
  const [, seconds, fraction = ''] = /^(\d{1,12})(?:\.(\d{1,9}))?s$/.exec(String(value)) ?? []
  if (seconds === undefined) return { expected: "a duration in seconds, such as '1800s'" }
  return { value: { seconds: Number(seconds), nanos: Number(fraction.padEnd(9, '0')) } }
}

function readTimestamp(value: unknown): Read {
  const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*(Z|[-+]\d\d:\d\d)$/.test(value)
  const milliseconds = isTime ? Date.parse(value) : Number.NaN
  if (Number.isNaN(milliseconds)) return { expected: "a time, such as '2019-03-01T00:00:00Z'" }
  const seconds = Math.floor(milliseconds / 1000)
  return { value: { seconds, nanos: (milliseconds - seconds * 1000) * 1e6 } }
}
