import type { FastifyReply, FastifyRequest } from 'fastify'
import { writeExperimentalError } from './airflow/experimental-errors.ts'
import { v1Dialect } from './airflow/v1-dialect.ts'
import { v2Dialect } from './airflow/v2-dialect.ts'
import { headersOf } from './common-headers.ts'
import { type ProblemWriter, writeProblem } from './error-handler.ts'
import { Problem } from './problem.ts'

// How the APIs below these paths write what goes wrong; all others write problem details.
const WRITERS: readonly (readonly [string, ProblemWriter])[] = [
  ['/api/experimental/', writeExperimentalError],
  ['/api/v1/', v1Dialect.writeError],
  ['/api/v2/', v2Dialect.writeError],
]

/** Answers 400 to an address that cannot be decoded: it meets no route, and so no hook and no error handler. */
export function refuseBadUrl(_error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const [, write = writeProblem] = WRITERS.find(([prefix]) => request.url.startsWith(prefix)) ?? []
  const problem = new Problem(400, 'The address is not valid: a percent sign in it begins no character.')
  write(problem, request, reply.code(problem.status).headers(headersOf(request)))
}
