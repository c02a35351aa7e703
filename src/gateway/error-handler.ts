import type { FastifyReply, FastifyRequest } from 'fastify'
import { Problem } from './problem.ts'

/** Writes a problem in the shape of an API. */
export type ProblemWriter = (problem: Problem, request: FastifyRequest, reply: FastifyReply) => FastifyReply

/** RFC 9457, the native shape. */
export const writeProblem: ProblemWriter = (problem, request, reply) =>
  reply.type('application/problem+json').send({
    type: 'about:blank',
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    request_id: request.id,
    ...problem.extensions,
  })

/** An error handler that hides what is our own fault, and logs it. */
export function errorHandler(write: ProblemWriter) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error)
    if (problem.status >= 500) request.log.error({ err: error }, problem.message)
    return write(problem, request, reply.code(problem.status).headers(problem.headers))
  }
}

/** Any error as a problem: a library's complaint about the request keeps its sentence, all else is hidden. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  const status = statusOf(error)
  if (error instanceof Error && status >= 400 && status < 500) {
    return new Problem(status, sentence(error.message), { cause: error })
  }
  return new Problem(500, 'The gateway could not handle the request. Try again; its log says more.', {
    cause: error,
  })
}

function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown } | null)?.statusCode
  return typeof status === 'number' ? status : 500
}

function sentence(message: string): string {
  const line = message.split('\n')[0]?.slice(0, 300) ?? ''
  return /[.!?]$/.test(line) ? line : `${line}.`
}
