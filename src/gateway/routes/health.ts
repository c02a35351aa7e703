import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { refuseOtherMethods } from '../other-methods.ts'
import { problems } from '../schemas/problem.ts'

const Status = Type.Object({ status: Type.Literal('ok') })

/** Liveness and readiness, open to all. */
export const healthRoutes: FastifyPluginAsyncTypebox<{ readonly checkReady: () => Promise<void> }> = async (
  app,
  { checkReady },
) => {
  const done = refuseOtherMethods(app)
  app.get(
    '/healthz',
    {
      // A process that is busy is alive; to restart it would only make the others busier.
      config: { pressureHandler: () => undefined },
      schema: {
        tags: ['health'],
        summary: 'Is the process alive?',
        security: [],
        response: { 200: Status, 503: problems()[503] },
      },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/readyz',
    {
      schema: {
        tags: ['health'],
        summary: 'Can it start runs, that is: does Temporal answer?',
        security: [],
        response: { 200: Status, 503: problems()[503] },
      },
    },
    async () => {
      await checkReady()
      return { status: 'ok' as const }
    },
  )
  done()
}
