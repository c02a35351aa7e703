import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOCAL } from './settings.ts'

const SPARK_FOLDER = join(import.meta.dirname, '..', '..', 'spark')

/** Makes the buckets, as a user does once in a project of his own, and puts the Spark script where jobs find it. */
export async function prepareStorage(endpoint: string): Promise<void> {
  for (const name of [LOCAL.rawBucket, LOCAL.processedBucket]) {
    await post(`${endpoint}/storage/v1/b?project=${LOCAL.project}`, JSON.stringify({ name }))
  }
  const scripts = readdirSync(SPARK_FOLDER).filter(
    (name) => name.endsWith('.py') && !name.startsWith('test_'),
  )
  for (const script of scripts) {
    const name = encodeURIComponent(`spark-jobs/${script}`)
    const url = `${endpoint}/upload/storage/v1/b/${LOCAL.rawBucket}/o?uploadType=media&name=${name}`
    await post(url, readFileSync(join(SPARK_FOLDER, script)), 'text/x-python')
  }
}

/** Makes the dataset of the output table, and leaves the call counts as if nobody had. */
export async function prepareWarehouse({
  endpoint,
  controlUrl,
}: {
  readonly endpoint: string
  readonly controlUrl: string
}): Promise<void> {
  const datasetReference = { projectId: LOCAL.project, datasetId: LOCAL.dataset }
  const url = `${endpoint}/bigquery/v2/projects/${LOCAL.project}/datasets`
  await post(url, JSON.stringify({ datasetReference, location: 'US' }))
  await fetch(`${controlUrl}/calls`, { method: 'DELETE' })
}

async function post(
  url: string,
  body: string | Buffer<ArrayBuffer>,
  contentType = 'application/json',
): Promise<void> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': contentType }, body })
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${await response.text()}`)
}
