/**
 * Pages of the Google Cloud console, for people who look at a run in the Web UI. Google documents few of these addresses;
 * they are those that its own tools print and its console shows.
 */

/** Where the deployment's work is done. */
export interface Cloud {
  readonly project: string
  readonly region: string
  readonly bigqueryLocation: string
}

const CONSOLE = 'https://console.cloud.google.com'

/** The cluster: its state, its machines, its log. */
export function clusterLink({ project, region }: Cloud, name: string): string {
  return page(`dataproc/clusters/${segment(name)}/monitoring`, { region, project })
}

/** The Spark job with its driver's output, as `gcloud dataproc jobs submit` prints it. It outlives its cluster. */
export function sparkJobLink({ project, region }: Cloud, jobId: string): string {
  return page(`dataproc/jobs/${segment(jobId)}`, { region, project })
}

/** A BigQuery job. */
export function loadJobLink({ project, bigqueryLocation }: Cloud, jobId: string): string {
  return page('bigquery', { project, j: `bq:${bigqueryLocation}:${jobId}`, page: 'queryresults' })
}

/** A table. @param table `project.dataset.table` */
export function tableLink({ project }: Cloud, table: string): string {
  const at = table.lastIndexOf('.', table.lastIndexOf('.') - 1)
  const [dataset = '', name = ''] = table.slice(at + 1).split('.')
  return page('bigquery', { project, p: table.slice(0, at), d: dataset, t: name, page: 'table' })
}

/** A folder in Cloud Storage, or an object. @param uri `gs://bucket/folder/` or `gs://bucket/object` */
export function storageLink({ project }: Pick<Cloud, 'project'>, uri: string): string {
  const path = uri
    .replace(/^gs:\/\//, '')
    .split('/')
    .map(segment)
    .join('/')
  return page(`storage/browser/${path.endsWith('/') ? '' : '_details/'}${path.replace(/\/$/, '')}`, {
    project,
  })
}

function page(path: string, query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${segment(value)}`)
  return `${CONSOLE}/${path}?${pairs.join('&')}`
}

/** Parentheses would end a link in Markdown; half a character has no place in a URL. */
function segment(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[()]/g,
    (one) => `%${one.charCodeAt(0).toString(16)}`,
  )
}
