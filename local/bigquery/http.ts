import type { FastifyReply, FastifyRequest } from 'fastify'
import { BigQueryError, errorBody, httpStatusOf } from './errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The call's name in BigQuery's reference, such as `jobs.insert`; faults and counts go by it. */
    call?: string
  }
}

/** The URL that resources' own links begin with. */
export function baseUrl(request: FastifyRequest): string {
  return `${request.protocol}://${request.host}/bigquery/v2`
}

/** Refuses a change to a resource that is not what the client last saw. @throws BigQueryError `conditionNotMet` */
export function assertMatches(request: FastifyRequest, etag: string): void {
  const wanted = request.headers['if-match']
  if (wanted === undefined || wanted === '*' || wanted === etag) return
  throw new BigQueryError('conditionNotMet', 'Precondition check failed.')
}

/** Answers errors in BigQuery's shape. What is not a refusal is a fault of the stand-in; its text helps who is testing. */
export function sendError(error: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof BigQueryError) {
    const status = httpStatusOf(error.reason)
    return reply.code(status).send(errorBody(status, error))
  }
  const status = statusOf(error)
  const reason = status === 404 ? 'notFound' : status < 500 ? 'invalid' : 'internalError'
  const message = error instanceof Error ? error.message : String(error)
  return reply.code(status).send(errorBody(status, { reason, message }))
}

/** Fastify's own refusals, of a body that is not JSON for example, carry a status. */
function statusOf(error: unknown): number {
  const status = (error as { readonly statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : 500
}
