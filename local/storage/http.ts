import type { IncomingHttpHeaders } from 'node:http'
import { invalid } from './errors.ts'

/** A request as the handlers see it: its body is whole, or `truncated` where the client went away. */
export interface StorageRequest {
  readonly method: string
  /** Still percent-encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly truncated: boolean
  /** Scheme, host and port by which the client reached the server; absolute URLs in replies begin with it. */
  readonly origin: string
}

/** What a handler answers. */
export interface StorageReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export function jsonReply(
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): StorageReply {
  const body = Buffer.from(JSON.stringify(value))
  return { status, headers: { 'content-type': 'application/json; charset=UTF-8', ...headers }, body }
}

export function emptyReply(status: number, headers: Readonly<Record<string, string>> = {}): StorageReply {
  return { status, headers, body: Buffer.alloc(0) }
}

/**
 * Reads a JSON object; an empty text is an empty object.
 * @throws StorageError 400
 */
export function parseJsonObject(text: Buffer): Record<string, unknown> {
  if (text.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(text.toString('utf8'))
  } catch {
    throw invalid('Parse Error: the request body is not JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('Parse Error: the request body is not a JSON object.')
  }
  return value as Record<string, unknown>
}

/** A property of a JSON object if it is a string. */
export function stringProperty(object: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = object[key]
  return typeof value === 'string' ? value : undefined
}
