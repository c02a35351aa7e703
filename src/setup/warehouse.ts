import { isNotFound } from '../../activities/failures.ts'
import type { TableShape } from '../../activities/table-schema.ts'
import { tableReference } from '../../activities/tables.ts'
import type { GoogleClients } from '../clients.ts'
import { foreignFault, isOwned, type Labels, ownedLabels } from './ownership.ts'
import type { Fault, Resource } from './resource.ts'

type BigQuery = GoogleClients['bigquery']

/** A column as BigQuery gives it. */
interface Column {
  readonly name?: string
  readonly type?: string
}

/** The dataset of the output table. Its location is for ever, so another one than the setting's is a fault. */
export function dataset(bigquery: BigQuery, outputTable: string, location: string): Resource {
  const { projectId: project, datasetId: id } = tableReference(outputTable)
  return {
    thing: `dataset ${project}.${id}`,
    detail: `in ${location}`,
    api: 'bigquery',
    async inspect() {
      const found = await metadataOf(bigquery.dataset(id, { projectId: project }))
      if (found === undefined) {
        return {
          state: 'missing',
          finding: `There is no dataset ${project}.${id}.`,
          async mend() {
            await bigquery.createDataset(id, { projectId: project, location })
          },
        }
      }
      const actual = String(found['location'])
      if (actual.toLowerCase() === location.toLowerCase()) return { state: 'right' }
      return {
        state: 'wrong',
        fault: {
          finding: `The dataset ${project}.${id} is in ${actual}, and BQ_LOCATION says ${location}.`,
          remedy: `Set BQ_LOCATION=${actual}, or name another dataset by BQ_OUTPUT_TABLE.`,
        },
      }
    },
  }
}

/**
 * The output table, empty, as the deployment wants it. One that exists gets the columns that it lacks, its clustering, and the
 * label of the state bucket; columns of other types, partitions by something else, and the label of another state bucket are
 * for somebody to decide.
 */
export function table(
  bigquery: BigQuery,
  outputTable: string,
  { shape, stateBucket }: { readonly shape: TableShape; readonly stateBucket: string },
): Resource {
  const { projectId: project, datasetId, tableId: name } = tableReference(outputTable)
  const { fields } = shape.schema
  const place = bigquery.dataset(datasetId, { projectId: project })
  const partitions = shape.timePartitioning && `partitioned by ${shape.timePartitioning.field}`
  const clusters = shape.clustering && `clustered by ${shape.clustering.fields.join(', ')}`
  return {
    thing: `table ${outputTable}`,
    detail: [`${fields.length} columns`, partitions, clusters].filter(Boolean).join(', '),
    api: 'bigquery',
    async inspect() {
      const found = await readTable(bigquery, outputTable)
      if (found === undefined) {
        return {
          state: 'missing',
          finding: `There is no table ${outputTable}.`,
          async mend() {
            const labels = ownedLabels(shape.labels, stateBucket)
            await place.createTable(name, { ...structuredClone(shape), labels } as object)
          },
        }
      }
      const clash =
        foreignFault(`The table ${outputTable}`, 'BQ_OUTPUT_TABLE', found.labels, stateBucket) ??
        clashOf(outputTable, shape, found)
      if (clash !== undefined) return { state: 'wrong', fault: clash }
      const columns = found.schema?.fields ?? []
      const lacking = fields.filter((field) => find(columns, field) === undefined)
      const clustering = differs(shape.clustering?.fields, found.clustering?.fields)
      const isOurs = isOwned(found.labels, stateBucket)
      if (lacking.length === 0 && !clustering && isOurs) return { state: 'right' }
      return {
        state: 'differs',
        finding:
          lacking.length > 0
            ? `The table ${outputTable} lacks ${lacking.map((column) => column.name).join(', ')}.`
            : clustering
              ? `The table ${outputTable} is not ${clusters}.`
              : `The table ${outputTable} bears no label that says which deployment's it is.`,
        async mend() {
          // With the etag, whoever changes the table since it was read is not overwritten: 412.
          await place.table(name).setMetadata({
            etag: found.etag,
            ...(!isOurs && { labels: ownedLabels(found.labels, stateBucket) }),
            ...(lacking.length > 0 && { schema: { fields: [...columns, ...lacking] } }),
            ...(clustering && { clustering: structuredClone(shape.clustering) }),
          } as object)
        },
      }
    },
  }
}

/** A table's metadata; nothing if there is none. */
export async function readTable(bigquery: BigQuery, outputTable: string): Promise<FoundTable | undefined> {
  const { projectId: project, datasetId, tableId: name } = tableReference(outputTable)
  return metadataOf(bigquery.dataset(datasetId, { projectId: project }).table(name))
}

/** What is read of a table. */
export interface FoundTable {
  readonly etag?: string
  readonly labels?: Labels
  readonly schema?: { readonly fields?: readonly Column[] }
  readonly timePartitioning?: { readonly type?: string; readonly field?: string }
  readonly clustering?: { readonly fields?: readonly string[] }
}

function clashOf(
  name: string,
  { schema, timePartitioning }: TableShape,
  found: FoundTable,
): Fault | undefined {
  const columns = found.schema?.fields ?? []
  for (const field of schema.fields) {
    const type = find(columns, field)?.type
    if (type === undefined || standardType(type) === standardType(field.type)) continue
    return {
      finding: `The column ${field.name} of ${name} is ${type}, and runs write ${field.type}.`,
      remedy: 'Name another table by BQ_OUTPUT_TABLE, or give this one the columns that runs write.',
    }
  }
  const partitions = found.timePartitioning
  if (partitions?.field === timePartitioning?.field && partitions?.type === timePartitioning?.type)
    return undefined
  const words = (by: FoundTable['timePartitioning']): string =>
    by === undefined ? 'not partitioned' : `partitioned by ${by.field ?? 'time of load'} (${by.type})`
  return {
    finding: `The table ${name} is ${words(partitions)}, and the settings say ${words(timePartitioning)}.`,
    remedy:
      'A table cannot be partitioned anew: name another one by BQ_OUTPUT_TABLE, or change TABLE_PARTITION_FIELD.',
  }
}

function differs(wanted: readonly string[] | undefined, found: readonly string[] | undefined): boolean {
  return wanted !== undefined && wanted.join() !== found?.join()
}

function find(columns: readonly Column[], { name }: Column): Column | undefined {
  return columns.find((column) => column.name?.toLowerCase() === name?.toLowerCase())
}

// One type has two names: https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema.FIELDS.type
const STANDARD: Readonly<Record<string, string>> = { FLOAT64: 'FLOAT', INT64: 'INTEGER', BOOL: 'BOOLEAN' }

function standardType(type = ''): string {
  return STANDARD[type] ?? type
}

interface WithMetadata {
  getMetadata(): Promise<unknown>
}

async function metadataOf(resource: WithMetadata): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const [metadata] = (await resource.getMetadata()) as [Record<string, unknown>]
    return metadata
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
