import fc from 'fast-check'
import { type Attack, post, STARTS, type Start } from './attack.ts'

const start = fc.constantFrom<Start>(...STARTS)
const RAW = 'gs://raw-bucket/exports/raw-1/'
const TEN_MEGABYTES = 10 * 1024 * 1024

const types = fc.constantFrom(
  ...[
    'application/json',
    'application/json; charset=utf-16',
    'text/plain',
    'application/x-www-form-urlencoded',
    '',
  ],
  ...[
    'multipart/form-data; boundary=x',
    'application/json\t',
    'APPLICATION/JSON',
    '*/*',
    'application/xml',
    ';;;',
  ],
)

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      ...[
        '',
        '{',
        '[',
        '"',
        '{}x',
        '{"raw_path":',
        'null',
        'NaN',
        '1e999',
        '[[]]',
        '{"a":1,}',
        "{'raw_path': 'x'}",
      ],
      ...[
        '\ufeff{}',
        '{"raw_path": "\\ud800"}',
        '{"raw_path": "\\u0000"}',
        '{"raw_path":"a","raw_path":{}}',
        '\0',
      ],
      ...['<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    )
    .map((text) => Buffer.from(text)),
)
const garbage = (authorization: string) =>
  fc.tuple(start, types, bytes).map(([{ path }, type, body]) => ({
    name: 'a body that is none',
    request: post(path, body, [authorization, `Content-Type: ${type}`]),
  }))

/** Ways to nest: opened `depth` times, closed or not. */
const nests = fc
  .tuple(
    fc.constantFrom(
      ['[', ']'] as const,
      ['{"a":', '}'] as const,
      ['(', ')'] as const,
      ["{'a': ", '}'] as const,
    ),
    fc.integer({ min: 10, max: 9_000 }),
    fc.boolean(),
  )
  .map(([[open, close], depth, closed]) => `${open.repeat(depth)}1${closed ? close.repeat(depth) : ''}`)
const deep = (authorization: string) =>
  fc
    .tuple(start, nests, fc.constantFrom('body', 'path', 'unknown', 'conf', 'text'))
    .map(([{ path }, nest, place]) => {
      const texts: Readonly<Record<string, string>> = {
        body: nest,
        path: `{"raw_path": ${nest}, "conf": {"raw_path": ${nest}}, "logical_date": null}`,
        unknown: `{"raw_path": "exports/raw-1", "x": ${nest}, "conf": {"raw_path": "exports/raw-1", "x": ${nest}}}`,
        conf: `{"logical_date": null, "conf": ${nest}}`,
        text: JSON.stringify({ conf: nest }),
      }
      const body = Buffer.from(texts[place] ?? nest)
      return {
        name: 'deep JSON',
        request: post(path, body, [authorization, 'Content-Type: application/json']),
      }
    })

const prototypeKey = fc.constantFrom(
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf'],
)
const prototypes = (authorization: string) =>
  fc
    .tuple(
      start,
      prototypeKey,
      fc.constantFrom('"x"', '{"raw_path": "exports/raw-1"}', '{"prototype": {"raw_path": "a"}}'),
    )
    .chain(([{ path }, key, value]) =>
      fc
        .constantFrom(
          `{"${key}": ${value}}`,
          `{"raw_path": "exports/raw-1", "${key}": ${value}, "conf": {"raw_path": "exports/raw-1", "${key}": ${value}}}`,
          `{"logical_date": null, "conf": {"${key}": ${value}}}`,
          `{"conf": "{\\"${key}\\": {\\"raw_path\\": \\"exports/raw-1\\"}}"}`,
          `{"conf": "{'raw_path': 'exports/raw-1', '${key}': {}}"}`,
        )
        .map((text) => ({
          name: 'a prototype key',
          request: post(path, Buffer.from(text), [authorization, 'Content-Type: application/json']),
        })),
    )

/** Large bodies are refused by their length, or when they have grown too long; then the connection may be gone. */
const large = (authorization: string) =>
  fc
    .tuple(start, fc.constantFrom('known', 'chunked', 'unproven'), fc.constantFrom(' ', '[', 'a', '\0'))
    .map(([{ path }, how, character]) => ({
      name: `a body of 10 MB (${how})`,
      mayBeCut: true as const,
      request: {
        method: 'POST',
        target: path,
        headers: [how === 'unproven' ? 'X: y' : authorization, 'Content-Type: application/json'],
        body: () => {
          const content = Buffer.alloc(TEN_MEGABYTES, character)
          return how === 'chunked' ? inOneChunk(content) : content
        },
        ...(how === 'chunked' && { framing: ['Transfer-Encoding: chunked'] }),
      },
    }))

function inOneChunk(content: Buffer): Buffer {
  const length = Buffer.from(`${content.length.toString(16)}\r\n`)
  return Buffer.concat([length, content, Buffer.from('\r\n0\r\n\r\n')])
}

/** Headers and framing that servers have read in two ways; the hidden request would start a run. */
const framings = (authorization: string) => {
  const inner = JSON.stringify({ raw_path: RAW })
  const hidden = `POST /runs HTTP/1.1\r\nHost: x\r\n${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`
  const chunked = `0\r\n\r\n${hidden}`
  return fc
    .constantFrom<readonly string[]>(
      [`Content-Length: ${chunked.length}`, 'Transfer-Encoding: chunked'],
      ['Content-Length: 5', `Content-Length: ${chunked.length}`],
      [`Content-Length: 5, ${chunked.length}`],
      ['Content-Length: -1'],
      ['Content-Length: 0x10'],
      ['Content-Length: +5'],
      ['Content-Length: 99999999999999999999'],
      ['Transfer-Encoding: chunked, identity'],
      ['Transfer-Encoding: identity'],
      ['Transfer-Encoding: xchunked'],
      ['Transfer-Encoding : chunked'],
      ['Transfer-Encoding: chunked\nContent-Length: 3'],
      ['Content-Length: 3\r\n Transfer-Encoding: chunked'],
    )
    .map((framing) => ({
      name: 'framing that can be read in two ways',
      mayBeCut: true as const,
      request: {
        ...post('/runs', Buffer.from(chunked), [authorization, 'Content-Type: application/json']),
        framing,
      },
    }))
}

const headerNoise = (authorization: string) =>
  fc
    .tuple(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }).map((line) => Buffer.from(line).toString('latin1')),
        fc.constantFrom(
          ': x',
          'a b: c',
          'X: \0',
          'X',
          'X: \x7f',
          `X: ${'a'.repeat(20_000)}`,
          'Host: other',
          'Expect: x',
        ),
        fc.constantFrom(
          'Content-Encoding: gzip',
          'Upgrade: h2c',
          'Connection: upgrade, x',
          'X-HTTP-Method-Override: GET',
        ),
        fc.constantFrom(`A: b\r\n${'X-1: y\r\n'.repeat(2_100)}B: c`, '\r\nPOST /runs HTTP/1.1', ' folded: x'),
      ),
      start,
    )
    .map(([line, { path }]) => ({
      name: 'header garbage',
      mayBeCut: true as const,
      request: post(path, Buffer.from('{}'), [line, authorization, 'Content-Type: application/json']),
    }))

/** Bodies and headers that no client sends by mistake. */
export const bodyAttacks = (authorization: string): fc.Arbitrary<Attack> =>
  fc.oneof(
    { arbitrary: garbage(authorization), weight: 8 },
    { arbitrary: deep(authorization), weight: 6 },
    { arbitrary: prototypes(authorization), weight: 6 },
    { arbitrary: framings(authorization), weight: 3 },
    { arbitrary: headerNoise(authorization), weight: 6 },
    { arbitrary: large(authorization), weight: 1 },
  )
