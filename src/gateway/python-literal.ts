/** Says where a text stops being a Python literal; the message can follow 'conf …'. */
export class PythonLiteralError extends Error {
  override readonly name = 'PythonLiteralError'
}

export type PythonValue =
  | string
  | number
  | boolean
  | null
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue }

const MAX_DEPTH = 32
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy
const BLANK = /\s*/y
const ESCAPE = /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|([\s\S]))/y
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\u0007',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
}

/**
 * Reads what Python prints for a dict or list of plain values, as the senders of `str(conf)` do. Nothing is evaluated:
 * https://docs.python.org/3/reference/lexical_analysis.html#literals, less bytes, tuples, sets, complex numbers,
 * underscores in numbers and joined strings.
 * @throws PythonLiteralError
 */
export function parsePythonLiteral(text: string): PythonValue {
  let at = 0
  const value = readValue(0)
  skipBlank()
  if (at < text.length) throw fault('goes on after its end')
  return value

  function readValue(depth: number): PythonValue {
    if (depth > MAX_DEPTH) throw fault(`is nested deeper than ${MAX_DEPTH} levels`)
    skipBlank()
    const next = text[at] ?? ''
    if (next === '{') return readDict(depth)
    if (next === '[') return readList(depth)
    if (isQuote(next)) return readString()
    if (/[uU]/.test(next) && isQuote(text[at + 1] ?? '')) {
      at += 1
      return readString()
    }
    const digits = match(NUMBER)
    if (digits !== undefined) return Number(digits)
    return readName()
  }

  function readName(): PythonValue {
    const start = at
    const name = match(NAME)
    if (name === 'True') return true
    if (name === 'False') return false
    if (name === 'None') return null
    at = start
    throw fault(name === undefined ? 'lacks a value' : `holds the name ${name.slice(0, 60)} without quotes`)
  }

  function readDict(depth: number): PythonValue {
    const entries: [string, PythonValue][] = []
    at += 1
    while (!closes('}')) {
      const key = readValue(depth + 1)
      if (typeof key !== 'string') throw fault('has a key that is not a string')
      skipBlank()
      if (text[at] !== ':') throw fault('lacks a colon')
      at += 1
      entries.push([key, readValue(depth + 1)])
      separator('}')
    }
    // fromEntries defines members, so that a key such as __proto__ is an ordinary one.
    return Object.fromEntries(entries)
  }

  function readList(depth: number): PythonValue {
    const values: PythonValue[] = []
    at += 1
    while (!closes(']')) {
      values.push(readValue(depth + 1))
      separator(']')
    }
    return values
  }

  function readString(): string {
    const quote = text[at]
    let value = ''
    for (at += 1; text[at] !== quote; ) {
      const character = text[at]
      if (character === undefined || character === '\n') throw fault('holds a string that does not end')
      if (character === '\\') value += readEscape()
      else {
        value += character
        at += 1
      }
    }
    at += 1
    return value
  }

  function readEscape(): string {
    ESCAPE.lastIndex = at
    const found = ESCAPE.exec(text)
    if (found === null) throw fault('holds a string that does not end')
    at = ESCAPE.lastIndex
    const [whole, x, u, long, octal, other] = found
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8))
    const hex = x ?? u ?? long
    if (hex === undefined) return SIMPLE_ESCAPES[other ?? ''] ?? whole
    const code = Number.parseInt(hex, 16)
    if (code > 0x10ffff) throw fault('holds an escape that is no character')
    return String.fromCodePoint(code)
  }

  function closes(bracket: string): boolean {
    skipBlank()
    if (text[at] !== bracket) return false
    at += 1
    return true
  }

  function separator(bracket: string): void {
    skipBlank()
    if (text[at] === ',') at += 1
    else if (text[at] !== bracket) throw fault(`lacks a comma or ${bracket}`)
  }

  function match(pattern: RegExp): string | undefined {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }

  function skipBlank(): void {
    match(BLANK)
  }

  function fault(what: string): PythonLiteralError {
    return new PythonLiteralError(`${what} (at character ${at + 1})`)
  }
}

function isQuote(character: string): boolean {
  return character === "'" || character === '"'
}
