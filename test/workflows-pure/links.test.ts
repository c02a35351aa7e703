import { describe, expect, test } from '@jest/globals'
import { clusterLink, loadJobLink, sparkJobLink, storageLink, tableLink } from '../../workflows/links.ts'

const cloud = { project: 'example.com:my-project', region: 'us-central1', bigqueryLocation: 'EU' }
const console = 'https://console.cloud.google.com'
const project = 'project=example.com%3Amy-project'

describe('links to the Google Cloud console', () => {
  test('name the cluster and the Spark job in their region and project', () => {
    expect(clusterLink(cloud, 'c-1')).toBe(
      `${console}/dataproc/clusters/c-1/monitoring?region=us-central1&${project}`,
    )
    expect(sparkJobLink(cloud, 'j-1')).toBe(`${console}/dataproc/jobs/j-1?region=us-central1&${project}`)
  })

  test('name a BigQuery job with its location, and a table, whose project may be scoped by a domain', () => {
    expect(loadJobLink(cloud, 'l_0')).toBe(`${console}/bigquery?${project}&j=bq%3AEU%3Al_0&page=queryresults`)
    expect(tableLink(cloud, 'example.com:other.my_set.my-table')).toBe(
      `${console}/bigquery?${project}&p=example.com%3Aother&d=my_set&t=my-table&page=table`,
    )
  })

  test('tell a folder from an object, and survive whatever a name holds', () => {
    expect(storageLink(cloud, 'gs://b/a b/raw-1/')).toBe(
      `${console}/storage/browser/b/a%20b/raw-1?${project}`,
    )
    expect(storageLink(cloud, 'gs://b/x.json')).toBe(
      `${console}/storage/browser/_details/b/x.json?${project}`,
    )
    expect(storageLink(cloud, 'gs://b/a(1)?ü/')).toBe(
      `${console}/storage/browser/b/a%281%29%3F%C3%BC?${project}`,
    )
  })
})
