import type { FastifyInstance } from 'fastify'
import type { TableRef } from './names.ts'
import { RowsQuery } from './requests.ts'
import { withEtag } from './resources.ts'
import { readRows, selectedFields, timestampFormat } from './rows.ts'
import type { Warehouse } from './warehouse.ts'

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/tabledata/list */
export function tabledataRoutes(app: FastifyInstance, warehouse: Warehouse): void {
  app.get<{ Params: TableRef; Querystring: RowsQuery }>(
    '/projects/:projectId/datasets/:datasetId/tables/:tableId/data',
    { schema: { querystring: RowsQuery }, config: { call: 'tabledata.list' } },
    async ({ params, query }) => {
      const table = warehouse.catalog.table(params)
      const fields = selectedFields(table.fields, query.selectedFields)
      const page = await readRows(
        warehouse.database,
        table.ref,
        fields,
        table.rows,
        query,
        timestampFormat(formatOptions(query)),
      )
      return withEtag({ kind: 'bigquery#tableDataList', totalRows: String(table.rows), ...page })
    },
  )
}

/** The format options of a query string. */
export function formatOptions(query: RowsQuery) {
  const {
    'formatOptions.useInt64Timestamp': useInt64Timestamp,
    'formatOptions.timestampOutputFormat': format,
  } = query
  return {
    useInt64Timestamp: useInt64Timestamp?.toLowerCase() === 'true',
    ...(format !== undefined && { timestampOutputFormat: format }),
  }
}
