import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Table } from './catalog.ts'
import { BigQueryError } from './errors.ts'
import { parseFields } from './fields.ts'
import { assertMatches, baseUrl } from './http.ts'
import { checkTableId, type DatasetRef, type TableRef } from './names.ts'
import { pageOf } from './paging.ts'
import { ListQuery, TableBody } from './requests.ts'
import { keptProperties, patchedProperties, tableListItem, tableResource } from './resources.ts'
import { changedFields } from './schema-change.ts'
import { checkLayout } from './table-layout.ts'
import type { Warehouse } from './warehouse.ts'

const UNSUPPORTED = [
  'view',
  'materializedView',
  'externalDataConfiguration',
  'snapshotDefinition',
  'cloneDefinition',
]

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/tables */
export function tableRoutes(app: FastifyInstance, warehouse: Warehouse): void {
  const { catalog } = warehouse
  const all = '/projects/:projectId/datasets/:datasetId/tables'
  const one = `${all}/:tableId`
  const resourceOf = (request: FastifyRequest, table: Table) =>
    tableResource(table, catalog.dataset(table.ref), baseUrl(request))

  app.post<{ Params: DatasetRef; Body: TableBody }>(
    all,
    { schema: { body: TableBody }, config: { call: 'tables.insert' } },
    async (request) => {
      const { projectId, datasetId } = request.params
      const ref = { projectId, datasetId, tableId: request.body.tableReference?.tableId ?? '' }
      checkTableId(ref.tableId)
      const unsupported = UNSUPPORTED.find((name) => name in request.body)
      if (unsupported !== undefined) {
        throw new BigQueryError(
          'invalid',
          `The local BigQuery has no ${unsupported}; it has plain tables only.`,
        )
      }
      const fields = parseFields(request.body.schema?.fields ?? [])
      if (fields.length > 0) checkLayout(request.body, fields)
      const table = await warehouse.createTable(ref, fields, keptProperties(request.body))
      return resourceOf(request, table)
    },
  )

  app.get<{ Params: DatasetRef; Querystring: ListQuery }>(
    all,
    { schema: { querystring: ListQuery }, config: { call: 'tables.list' } },
    async (request) => {
      const { tables } = catalog.dataset(request.params)
      const sorted = [...tables.values()].sort((a, b) => (a.ref.tableId < b.ref.tableId ? -1 : 1))
      const page = pageOf(sorted, request.query)
      return {
        kind: 'bigquery#tableList',
        ...(page.items.length > 0 && { tables: page.items.map(tableListItem) }),
        nextPageToken: page.nextPageToken,
        totalItems: sorted.length,
      }
    },
  )

  app.get<{ Params: TableRef }>(one, { config: { call: 'tables.get' } }, async (request) =>
    resourceOf(request, catalog.table(request.params)),
  )

  for (const method of ['PATCH', 'PUT'] as const) {
    app.route<{ Params: TableRef; Body: TableBody }>({
      method,
      url: one,
      schema: { body: TableBody },
      config: { call: method === 'PUT' ? 'tables.update' : 'tables.patch' },
      handler: (request) =>
        warehouse.exclusively(request.params, async () => {
          const table = catalog.table(request.params)
          assertMatches(request, resourceOf(request, table).etag)
          await changeSchema(warehouse, table, request.body)
          table.properties =
            method === 'PUT'
              ? keptProperties(request.body)
              : patchedProperties(table.properties, request.body)
          table.modifiedMs = Date.now()
          return resourceOf(request, table)
        }),
    })
  }

  app.delete<{ Params: TableRef }>(one, { config: { call: 'tables.delete' } }, async (request, reply) => {
    await warehouse.deleteTable(request.params)
    return reply.code(204).send()
  })
}

async function changeSchema(warehouse: Warehouse, table: Table, { schema }: TableBody): Promise<void> {
  if (schema?.fields === undefined) return
  const given = parseFields(schema.fields)
  const fields = changedFields(table.ref, table.fields, given, { addFields: true, relaxFields: true })
  await warehouse.database.transaction((statements) => warehouse.changeFields(table, fields, statements))
  table.fields = fields
}
