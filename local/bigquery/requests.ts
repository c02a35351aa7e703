import { type Static, Type } from 'typebox'

/** A field's nested fields are let through here, so that `parseFields` can refuse them in words. */
const FieldBody = Type.Object({
  name: Type.Optional(Type.String()),
  type: Type.Optional(Type.String()),
  mode: Type.Optional(Type.String()),
  description: Type.Optional(Type.String()),
  policyTags: Type.Optional(Type.Unknown()),
})
const SchemaBody = Type.Object({ fields: Type.Optional(Type.Array(FieldBody)) })
/** Values are strings, or null to take a label away; a stricter schema would have `''` turned into null. */
const Labels = Type.Record(Type.String(), Type.Unknown())

const TableReference = Type.Object({
  projectId: Type.Optional(Type.String()),
  datasetId: Type.String(),
  tableId: Type.String(),
})

const DatasetReference = Type.Object({ projectId: Type.Optional(Type.String()), datasetId: Type.String() })

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets */
export const DatasetBody = Type.Object({
  datasetReference: Type.Optional(DatasetReference),
  location: Type.Optional(Type.String()),
  labels: Type.Optional(Labels),
})
export type DatasetBody = Static<typeof DatasetBody>

const LAYOUT = {
  timePartitioning: Type.Optional(
    Type.Object({
      type: Type.Optional(Type.String()),
      field: Type.Optional(Type.String()),
      expirationMs: Type.Optional(Type.String()),
    }),
  ),
  clustering: Type.Optional(Type.Object({ fields: Type.Optional(Type.Array(Type.String())) })),
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/tables */
export const TableBody = Type.Object({
  ...LAYOUT,
  tableReference: Type.Optional(TableReference),
  schema: Type.Optional(SchemaBody),
  labels: Type.Optional(Labels),
})
export type TableBody = Static<typeof TableBody>

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationLoad */
export const LoadBody = Type.Object({
  sourceUris: Type.Optional(Type.Array(Type.String())),
  sourceFormat: Type.Optional(Type.String()),
  schema: Type.Optional(SchemaBody),
  destinationTable: Type.Optional(TableReference),
  createDisposition: Type.Optional(Type.String()),
  writeDisposition: Type.Optional(Type.String()),
  skipLeadingRows: Type.Optional(Type.Integer({ minimum: 0 })),
  maxBadRecords: Type.Optional(Type.Integer({ minimum: 0 })),
  fieldDelimiter: Type.Optional(Type.String()),
  quote: Type.Optional(Type.String()),
  nullMarker: Type.Optional(Type.String()),
  encoding: Type.Optional(Type.String()),
  allowQuotedNewlines: Type.Optional(Type.Boolean()),
  allowJaggedRows: Type.Optional(Type.Boolean()),
  ignoreUnknownValues: Type.Optional(Type.Boolean()),
  autodetect: Type.Optional(Type.Boolean()),
  schemaUpdateOptions: Type.Optional(Type.Array(Type.String())),
  ...LAYOUT,
  destinationTableProperties: Type.Optional(Type.Object({ labels: Type.Optional(Labels) })),
})
export type LoadBody = Static<typeof LoadBody>

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/QueryParameter */
const QueryParameter = Type.Object({
  name: Type.Optional(Type.String()),
  parameterType: Type.Object({ type: Type.String() }),
  /** Clients send strings, but also numbers and booleans as such. */
  parameterValue: Type.Optional(Type.Object({ value: Type.Optional(Type.Unknown()) })),
})
export type QueryParameter = Static<typeof QueryParameter>

const QUERY = {
  query: Type.Optional(Type.String()),
  useLegacySql: Type.Optional(Type.Boolean()),
  defaultDataset: Type.Optional(DatasetReference),
  parameterMode: Type.Optional(Type.String()),
  queryParameters: Type.Optional(Type.Array(QueryParameter)),
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationQuery */
export const QueryBody = Type.Object({
  ...QUERY,
  destinationTable: Type.Optional(TableReference),
  createDisposition: Type.Optional(Type.String()),
  writeDisposition: Type.Optional(Type.String()),
})
export type QueryBody = Static<typeof QueryBody>

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobConfigurationExtract */
export const ExtractBody = Type.Object({
  sourceTable: Type.Optional(TableReference),
  destinationUris: Type.Optional(Type.Array(Type.String())),
  destinationUri: Type.Optional(Type.String()),
  destinationFormat: Type.Optional(Type.String()),
  compression: Type.Optional(Type.String()),
  fieldDelimiter: Type.Optional(Type.String()),
  printHeader: Type.Optional(Type.Boolean()),
})
export type ExtractBody = Static<typeof ExtractBody>

const ConfigurationBody = Type.Object({
  dryRun: Type.Optional(Type.Boolean()),
  labels: Type.Optional(Labels),
  load: Type.Optional(LoadBody),
  query: Type.Optional(QueryBody),
  extract: Type.Optional(ExtractBody),
})
export type ConfigurationBody = Static<typeof ConfigurationBody>

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/insert */
export const JobBody = Type.Object({
  jobReference: Type.Optional(
    Type.Object({
      projectId: Type.Optional(Type.String()),
      jobId: Type.Optional(Type.String()),
      location: Type.Optional(Type.String()),
    }),
  ),
  configuration: ConfigurationBody,
})
export type JobBody = Static<typeof JobBody>

const FORMAT = {
  useInt64Timestamp: Type.Optional(Type.Boolean()),
  timestampOutputFormat: Type.Optional(Type.String()),
}

/** https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query */
export const QueryRequest = Type.Object({
  ...QUERY,
  maxResults: Type.Optional(Type.Integer({ minimum: 0 })),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 0 })),
  dryRun: Type.Optional(Type.Boolean()),
  labels: Type.Optional(Labels),
  location: Type.Optional(Type.String()),
  requestId: Type.Optional(Type.String()),
  formatOptions: Type.Optional(Type.Object(FORMAT)),
})
export type QueryRequest = Static<typeof QueryRequest>

/** Python's client writes `True` where others write `true`. */
const QueryFlag = Type.String({ pattern: '^([Tt]rue|[Ff]alse)$' })

/** The paging that all reads of rows share. */
export const RowsQuery = Type.Object({
  maxResults: Type.Optional(Type.Integer({ minimum: 0 })),
  startIndex: Type.Optional(Type.Integer({ minimum: 0 })),
  pageToken: Type.Optional(Type.String()),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 0 })),
  selectedFields: Type.Optional(Type.String()),
  location: Type.Optional(Type.String()),
  'formatOptions.useInt64Timestamp': Type.Optional(QueryFlag),
  'formatOptions.timestampOutputFormat': Type.Optional(Type.String()),
})
export type RowsQuery = Static<typeof RowsQuery>

/** The paging of lists of resources. */
export const ListQuery = Type.Object({
  maxResults: Type.Optional(Type.Integer({ minimum: 0 })),
  pageToken: Type.Optional(Type.String()),
  filter: Type.Optional(Type.String()),
})
export type ListQuery = Static<typeof ListQuery>
