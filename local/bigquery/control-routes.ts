import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { JobFault, type JobFaults, Settings } from './settings.ts'

const SomeSettings = Type.Partial(Settings)
type SomeSettings = Static<typeof SomeSettings>

/**
 * The stand-in's own control routes, beside faults and counts:
 * - `GET /settings`, `PUT /settings` with those that are to change;
 * - `POST /job-faults` `{type, reason, message?, match?, times?}`: the next such jobs end with that `errorResult`;
 *   `GET|DELETE /job-faults`.
 */
export function controlRoutes(settings: Settings, faults: JobFaults): (app: FastifyInstance) => void {
  return (app) => {
    app.get('/settings', () => settings)
    app.put<{ Body: SomeSettings }>('/settings', { schema: { body: SomeSettings } }, ({ body }) =>
      Object.assign(settings, body),
    )
    app.post<{ Body: JobFault }>('/job-faults', { schema: { body: JobFault } }, async ({ body }, reply) => {
      faults.add(body)
      return reply.code(204).send()
    })
    app.get('/job-faults', () => faults.list())
    app.delete('/job-faults', async (_request, reply) => {
      faults.clear()
      return reply.code(204).send()
    })
  }
}
