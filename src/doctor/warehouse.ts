import { tableReference } from '../../activities/tables.ts'
import type { createBigQuery } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { memberOf } from '../setup/explain.ts'
import { warehouseResources } from '../setup/resources.ts'
import { type Examiner, examine, examineInTurn, type Finding, fault, ok } from './finding.ts'

type BigQuery = ReturnType<typeof createBigQuery>

/** What a load into a table that exists needs. */
const NEEDED = ['bigquery.tables.get', 'bigquery.tables.update', 'bigquery.tables.updateData']

/** Dataset, its location, table, and what this identity may do there. */
export async function examineWarehouse(
  bigquery: BigQuery,
  config: SetupConfig,
  examiner: Examiner,
): Promise<Finding[]> {
  const checks = [
    ...warehouseResources(bigquery, config).map((resource) => () => examine(resource, examiner.explain)),
    () => examinePermissions(bigquery, config.pipeline.outputTable, examiner),
  ]
  const [inTurn, jobs] = await Promise.all([
    examineInTurn(checks, `what lies in the dataset of ${config.pipeline.outputTable}`),
    examineJobs(bigquery, config, examiner),
  ])
  return [...inTurn, jobs]
}

/** A dry run costs nothing and makes no job, but needs the permission to make one. */
async function examineJobs(bigquery: BigQuery, config: SetupConfig, examiner: Examiner): Promise<Finding> {
  const { bigqueryLocation: location } = config.pipeline
  try {
    await bigquery.createQueryJob({ query: 'SELECT 1', dryRun: true, location })
    return ok(`BigQuery takes jobs in ${location}`)
  } catch (error) {
    const { finding, remedy } = examiner.explain(error, `ask BigQuery for a job in ${location}`, 'bigquery')
    return fault({ finding, remedy: remedy.replace('roles/bigquery.dataEditor', 'roles/bigquery.jobUser') })
  }
}

async function examinePermissions(bigquery: BigQuery, table: string, examiner: Examiner): Promise<Finding> {
  const { projectId: project, datasetId: dataset, tableId: name } = tableReference(table)
  try {
    const [{ permissions = [] }] = (await bigquery
      .dataset(dataset, { projectId: project })
      .table(name)
      .testIamPermissions(NEEDED)) as unknown as [{ readonly permissions?: readonly string[] }]
    const lacking = NEEDED.filter((permission) => !permissions.includes(permission))
    if (lacking.length === 0) return ok(`permissions on ${table}`)
    return fault({
      finding: `This identity lacks ${lacking.join(', ')} on ${table}.`,
      remedy: `bq query --nouse_legacy_sql 'GRANT \`roles/bigquery.dataEditor\` ON SCHEMA \`${project}.${dataset}\` TO "${memberOf(examiner.account)}"'`,
    })
  } catch (error) {
    return fault(examiner.explain(error, `ask for the permissions on ${table}`, 'bigquery'))
  }
}
