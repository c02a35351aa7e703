import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { TableRef } from './names.ts'
import type { Settings } from './settings.ts'
import type { Warehouse } from './warehouse.ts'

const PermissionsBody = Type.Object({ permissions: Type.Optional(Type.Array(Type.String())) })

/**
 * Says which of the permissions the caller has on a table: all but those that the settings deny. Who may do all in the
 * project is told of a table that does not exist.
 * @see https://cloud.google.com/bigquery/docs/reference/rest/v2/tables/testIamPermissions
 */
export function permissionRoutes(app: FastifyInstance, warehouse: Warehouse, settings: Settings): void {
  app.post<{ Params: TableRef; Body: Static<typeof PermissionsBody> }>(
    '/projects/:projectId/datasets/:datasetId/tables/:tableId([^:]+)::testIamPermissions',
    { schema: { body: PermissionsBody }, config: { call: 'tables.testIamPermissions' } },
    async ({ params, body }) => {
      warehouse.catalog.table(params)
      const granted = (body.permissions ?? []).filter((name) => !settings.deniedPermissions.includes(name))
      return granted.length > 0 ? { permissions: granted } : {}
    },
  )
}
