import type { ProblemWriter } from '../error-handler.ts'

/** Errors as Airflow 1.10's experimental API gives them: one member, `error`. */
export const writeExperimentalError: ProblemWriter = (problem, _request, reply) =>
  reply.type('application/json').send({ error: problem.message })
