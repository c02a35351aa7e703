import type { FastifyInstance } from 'fastify'
import { BigQueryError } from './errors.ts'
import { assertMatches, baseUrl } from './http.ts'
import { checkDatasetId, type DatasetRef } from './names.ts'
import { pageOf } from './paging.ts'
import { DatasetBody, ListQuery } from './requests.ts'
import { datasetResource, keptProperties, patchedProperties } from './resources.ts'
import type { Warehouse } from './warehouse.ts'

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets */
export function datasetRoutes(app: FastifyInstance, warehouse: Warehouse): void {
  const { catalog } = warehouse
  const one = '/projects/:projectId/datasets/:datasetId'

  app.post<{ Params: { projectId: string }; Body: DatasetBody }>(
    '/projects/:projectId/datasets',
    { schema: { body: DatasetBody }, config: { call: 'datasets.insert' } },
    async (request) => {
      const { datasetReference, location = 'US' } = request.body
      const ref = { projectId: request.params.projectId, datasetId: datasetReference?.datasetId ?? '' }
      checkDatasetId(ref.datasetId)
      const dataset = catalog.addDataset(ref, location, keptProperties(request.body))
      return datasetResource(dataset, baseUrl(request))
    },
  )

  app.get<{ Params: { projectId: string }; Querystring: ListQuery }>(
    '/projects/:projectId/datasets',
    { schema: { querystring: ListQuery }, config: { call: 'datasets.list' } },
    async (request) => {
      const page = pageOf(catalog.datasetsOf(request.params.projectId), request.query)
      const datasets = page.items.map((dataset) => {
        const { kind, id, datasetReference, location } = datasetResource(dataset, '')
        const { labels, friendlyName } = dataset.properties as { readonly [name: string]: unknown }
        return { kind, id, datasetReference, labels, friendlyName, location }
      })
      return {
        kind: 'bigquery#datasetList',
        ...(datasets.length > 0 && { datasets }),
        nextPageToken: page.nextPageToken,
      }
    },
  )

  app.get<{ Params: DatasetRef }>(one, { config: { call: 'datasets.get' } }, async (request) =>
    datasetResource(catalog.dataset(request.params), baseUrl(request)),
  )

  for (const method of ['PATCH', 'PUT'] as const) {
    app.route<{ Params: DatasetRef; Body: DatasetBody }>({
      method,
      url: one,
      schema: { body: DatasetBody },
      config: { call: method === 'PUT' ? 'datasets.update' : 'datasets.patch' },
      handler: async (request) => {
        const dataset = catalog.dataset(request.params)
        assertMatches(request, datasetResource(dataset, baseUrl(request)).etag)
        const { location } = request.body
        if (location !== undefined && location !== dataset.location) {
          throw new BigQueryError('invalid', 'Dataset location cannot be changed.')
        }
        dataset.properties =
          method === 'PUT'
            ? keptProperties(request.body)
            : patchedProperties(dataset.properties, request.body)
        dataset.modifiedMs = Date.now()
        return datasetResource(dataset, baseUrl(request))
      },
    })
  }

  app.delete<{ Params: DatasetRef; Querystring: { deleteContents?: string } }>(
    one,
    { config: { call: 'datasets.delete' } },
    async (request, reply) => {
      await warehouse.deleteDataset(request.params, request.query.deleteContents?.toLowerCase() === 'true')
      return reply.code(204).send()
    },
  )
}
