import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'

const PermissionsBody = Type.Object({ denied: Type.Array(Type.String()) }, { additionalProperties: false })

/**
 * Adds `PUT /permissions {denied: ['storage.objects.delete']}`: what `testIamPermissions` leaves out from now on. Calls go
 * on as before; to have one refused, inject a fault with code 403.
 */
export function permissionRoutes(denied: Set<string>) {
  return (app: FastifyInstance): void => {
    app.put<{ Body: Static<typeof PermissionsBody> }>(
      '/permissions',
      { schema: { body: PermissionsBody } },
      async (request, reply) => {
        denied.clear()
        for (const permission of request.body.denied) denied.add(permission)
        return reply.code(204).send()
      },
    )
  }
}
