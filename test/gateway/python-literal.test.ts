import { describe, expect, test } from '@jest/globals'
import { PythonLiteralError, parsePythonLiteral } from '../../src/gateway/python-literal.ts'

describe('What Python prints is read as what it stands for', () => {
  test.each<[string, unknown]>([
    ["{'a': 'b'}", { a: 'b' }],
    ['{}', {}],
    ['[]', []],
    [' [1, -2, 3.5, 1e3, +.5, True, False, None] ', [1, -2, 3.5, 1000, 0.5, true, false, null]],
    ["{u'a': U\"it's\", 'b': {'c': [1,],},}", { a: "it's", b: { c: [1] } }],
    [String.raw`'\n\t\\\'\"\x41\u00e9\U0001f600\101\q'`, '\n\t\\\'"A\u00e9\u{1f600}A\\q'],
    ["'é 日本'", 'é 日本'],
    ["{'a': 1, 'a': 2}", { a: 2 }],
  ])('%s', (text, value) => {
    expect(parsePythonLiteral(text)).toEqual(value)
  })

  test('a key such as __proto__ is an ordinary one', () => {
    const value = parsePythonLiteral("{'__proto__': {'polluted': True}}") as object
    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })
})

describe('Anything else is refused, and the message says where', () => {
  test.each<[string, RegExp]>([
    ['{raw_path: 1}', /name raw_path without quotes \(at character 2\)/],
    ["{'a': b}", /name b without quotes/],
    ["{'a' 1}", /lacks a colon/],
    ["{'a': 1 'b': 2}", /lacks a comma or \}/],
    ['{1: 2}', /key that is not a string/],
    ["{'a': 'b", /string that does not end/],
    ["{'a': 'b\n'}", /string that does not end/],
    ["'\\", /string that does not end/],
    ["'\\UFFFFFFFF'", /escape that is no character/],
    ["b'x'", /name b without quotes/],
    ["('a',)", /lacks a value/],
    ["'a' 'b'", /goes on after its end/],
    ['', /lacks a value/],
    ['1_000', /goes on after its end/],
    ["__import__('os').system('true')", /name __import__ without quotes/],
    ['['.repeat(10_000), /nested deeper than 32 levels/],
  ])('%j', (text, message) => {
    expect(() => parsePythonLiteral(text)).toThrow(PythonLiteralError)
    expect(() => parsePythonLiteral(text)).toThrow(message)
  })
})
