import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { invalid } from './errors.ts'
import type { StorageReply, StorageRequest } from './http.ts'
import { type Part, parseMultipart, readPart } from './multipart.ts'

/** Cloud Storage takes at most this many calls in a batch. */
const BATCH_LIMIT = 100

/** Whether a request is a batch of calls. */
export function isBatch({ method, path }: Pick<StorageRequest, 'method' | 'path'>): boolean {
  return method === 'POST' && /^\/batch(?:\/storage\/v1)?\/?$/.test(path)
}

/**
 * Answers a batch: each part is one call, done in the order given; one that fails does not stop the others.
 * @param answer handles one call, with its faults and preconditions.
 * @see https://cloud.google.com/storage/docs/batch
 */
export async function answerBatch(
  batch: StorageRequest,
  answer: (request: StorageRequest) => Promise<StorageReply>,
): Promise<StorageReply> {
  const parts = parseMultipart(batch.headers['content-type'], batch.body)
  if (parts.length > BATCH_LIMIT)
    throw invalid(`A batch has at most ${BATCH_LIMIT} calls; this one has ${parts.length}.`)
  const boundary = `batch_${randomUUID()}`
  const chunks: Buffer[] = []
  for (const part of parts) {
    const reply = await answer(innerRequest(part, batch))
    const id = part.headers['content-id']
    const head = [
      `--${boundary}`,
      'Content-Type: application/http',
      ...(id === undefined ? [] : [`Content-ID: ${responseId(id)}`]),
      '',
      `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? 'Unknown'}`,
      ...Object.entries(reply.headers).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${reply.body.length}`,
      '',
      '',
    ]
    chunks.push(Buffer.from(head.join('\r\n')), reply.body, Buffer.from('\r\n'))
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`))
  const headers = { 'content-type': `multipart/mixed; boundary=${boundary}` }
  return { status: 200, headers, body: Buffer.concat(chunks) }
}

/** A part's `application/http` text as a request of its own. @throws StorageError 400 */
function innerRequest(part: Part, batch: StorageRequest): StorageRequest {
  const lineEnd = part.body.indexOf('\n')
  const line = part.body.toString('latin1', 0, lineEnd === -1 ? part.body.length : lineEnd).trimEnd()
  const [, method, target] = /^([A-Z]+) (\S+)(?: HTTP\/1\.[01])?$/.exec(line) ?? []
  if (method === undefined || target === undefined)
    throw invalid(`A part of the batch does not begin with a request line.`)
  const { headers, body } = readPart(lineEnd === -1 ? Buffer.alloc(0) : part.body.subarray(lineEnd + 1))
  const [path = '', query = ''] = target.replace(/^https?:\/\/[^/]+/, '').split('?', 2)
  return {
    method,
    path,
    query: new URLSearchParams(query),
    headers,
    body,
    truncated: false,
    origin: batch.origin,
  }
}

/** `<id>` is answered as `<response-id>`. */
function responseId(id: string): string {
  return id.startsWith('<') ? `<response-${id.slice(1)}` : `response-${id}`
}
