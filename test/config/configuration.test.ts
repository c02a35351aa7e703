import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { loadGatewayConfig, loadWorkerConfig } from '../../src/config.ts'
import { configurationReference } from '../../src/configuration-reference.ts'
import { envTemplate } from '../../src/env-template.ts'

const worker = {
  GOOGLE_CLOUD_PROJECT: 'some-project',
  RAW_BUCKET: 'raw',
  PROCESSED_BUCKET: 'processed',
  STATE_BUCKET: 'state',
  BQ_OUTPUT_TABLE: 'some-project:Demo.trips',
}
const gateway = {
  ...worker,
  AUTHENTICATION: 'id-token',
  IAP_CLIENT_ID: 'client',
  ALLOWED_CALLERS: 'A@example.com, b@example.com',
  GATEWAY_SECRET: 'x'.repeat(32),
}

describe('the configuration', () => {
  test('fills in defaults, and reads the older way to write a table', () => {
    const { pipeline, google, cluster, spark } = loadWorkerConfig(worker)
    expect(pipeline.outputTable).toBe('some-project.Demo.trips')
    expect(spark.scriptUri).toMatch(/^gs:\/\/state\/scripts\/[0-9a-f]{64}\/spark_avg_speed\.py$/)
    expect(pipeline.paths.allowedBuckets).toEqual(['raw'])
    expect(google).toEqual({ project: 'some-project', region: 'us-central1' })
    expect(cluster.zones).toEqual([])
  })

  test('reports every fault at once, each with the name of its variable', () => {
    const load = (): unknown =>
      loadWorkerConfig({ MAX_REJECTS: 'many', CLUSTER_WORKERS: '1', DEPLOYMENT: 'Not A Label' })
    for (const name of [
      'GOOGLE_CLOUD_PROJECT',
      'RAW_BUCKET',
      'PROCESSED_BUCKET',
      'STATE_BUCKET',
      'BQ_OUTPUT_TABLE',
      'MAX_REJECTS',
      'CLUSTER_WORKERS',
      'DEPLOYMENT',
    ]) {
      expect(load).toThrow(name)
    }
  })

  test('says in words that a value has the wrong form', () => {
    for (const RAW_BUCKET of ['gs://raw', 'Raw', 'raw/', 'ra w']) {
      expect(() => loadWorkerConfig({ ...worker, RAW_BUCKET })).toThrow(
        /:\n {2}RAW_BUCKET does not have the form that it must have \(bucket of .*\)$/,
      )
    }
  })

  test('the state bucket is one of its own, whose name can be the value of a label', () => {
    expect(loadWorkerConfig(worker).pipeline.stateBucket).toBe('state')
    const shared = { ...worker, ALLOWED_BUCKETS: 'raw, landing' }
    for (const STATE_BUCKET of ['raw', 'processed', 'landing']) {
      expect(() => loadWorkerConfig({ ...shared, STATE_BUCKET })).toThrow('STATE_BUCKET must be a bucket of')
    }
    for (const STATE_BUCKET of ['example.com', 'gs://state', 'State', 'x'.repeat(64)]) {
      expect(() => loadWorkerConfig({ ...worker, STATE_BUCKET })).toThrow(
        'STATE_BUCKET does not have the form',
      )
    }
  })

  test('finding 8: nobody else writes to the processed bucket either', () => {
    for (const change of [
      { PROCESSED_BUCKET: 'raw' },
      { PROCESSED_BUCKET: 'landing', ALLOWED_BUCKETS: 'raw, landing' },
    ]) {
      const complaint = 'PROCESSED_BUCKET must be a bucket of its own, not RAW_BUCKET or one of'
      expect(() => loadWorkerConfig({ ...worker, ...change })).toThrow(complaint)
      expect(() => loadGatewayConfig({ ...gateway, ...change })).toThrow(complaint)
    }
    for (const name of ['STATE_BUCKET', 'PROCESSED_BUCKET']) {
      expect(() => loadWorkerConfig({ ...worker, [name]: 'dataproc-temp-x' })).toThrow(
        `${name} must not begin with dataproc-staging- or dataproc-temp-: every cluster`,
      )
    }
  })

  test('reads which tables and folders a request may name, the same for gateway and worker', () => {
    const rules = {
      ALLOWED_TABLES: 'some-project:Demo.daily, some-project.Scratch.*',
      CALLER_FOLDERS: 'gs://raw/out, outcomes/team-a/',
    }
    const read = {
      allowedTables: ['some-project.Demo.daily', 'some-project.Scratch.*'],
      callerFolders: ['gs://raw/out/', 'gs://raw/outcomes/team-a/'],
    }
    expect(loadWorkerConfig({ ...worker, ...rules }).pipeline).toMatchObject(read)
    expect(loadGatewayConfig({ ...gateway, ...rules }).pipeline).toMatchObject(read)
    const none = { allowedTables: [], callerFolders: [] }
    expect(loadWorkerConfig(worker).pipeline).toMatchObject(none)
    expect(loadGatewayConfig(gateway).pipeline).toMatchObject(none)
  })

  test('reports all faults of these lists together', () => {
    const faults = {
      ALLOWED_TABLES: 'trips, p.*.trips, p.d.trips*, *',
      CALLER_FOLDERS: 'gs://raw/, gs://elsewhere/out/, a/../b',
    }
    for (const load of [
      () => loadWorkerConfig({ ...worker, ...faults }),
      () => loadGatewayConfig({ ...gateway, ...faults }),
    ]) {
      expect(load).toThrow('The configuration has 7 faults')
      expect(load).toThrow('ALLOWED_TABLES names "p.d.trips*", which is not project.dataset.table')
      expect(load).toThrow('CALLER_FOLDERS names gs://elsewhere/out/, whose bucket is not in ALLOWED_BUCKETS')
    }
    const nothing = (): unknown => loadWorkerConfig({ ...faults, STATE_BUCKET: 'state' })
    expect(nothing).toThrow('RAW_BUCKET is missing')
    expect(nothing).toThrow('ALLOWED_TABLES names "trips"')
  })

  test('P15: says how many clusters there may be at a time, at least one', () => {
    expect(loadWorkerConfig({ ...worker, MAX_CLUSTERS: '3' }).pipeline.maxClusters).toBe(3)
    expect(() => loadWorkerConfig({ ...worker, MAX_CLUSTERS: '0' })).toThrow('MAX_CLUSTERS must be >= 1')
  })

  test('is frozen', () => {
    expect(Object.isFrozen(loadWorkerConfig(worker))).toBe(true)
    expect(Object.isFrozen(loadGatewayConfig(gateway))).toBe(true)
  })

  test('a gateway without a way to authenticate its callers does not start', () => {
    expect(() => loadGatewayConfig({ ...gateway, AUTHENTICATION: undefined })).toThrow(
      'AUTHENTICATION is missing',
    )
    expect(() => loadGatewayConfig({ ...gateway, AUTHENTICATION: 'none' })).toThrow('AUTHENTICATION')
    expect(() => loadGatewayConfig({ ...gateway, IAP_CLIENT_ID: '' })).toThrow('IAP_CLIENT_ID is missing')
    expect(() => loadGatewayConfig({ ...gateway, AUTHENTICATION: 'iap' })).toThrow('IAP_AUDIENCE is missing')
  })

  test('callers are compared in lower case', () => {
    expect(loadGatewayConfig(gateway).authentication.allowedCallers).toEqual([
      'a@example.com',
      'b@example.com',
    ])
  })

  test('.env.example and docs/configuration.md list each variable; npm run configuration writes them anew', () => {
    const read = (file: string): string => readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')
    expect(read('.env.example')).toBe(envTemplate())
    expect(read('docs/configuration.md')).toBe(configurationReference())
  })

  test('what is required is marked so, and what may be absent is not', () => {
    expect(envTemplate()).toMatch(/Required\.\nRAW_BUCKET=/)
    expect(envTemplate()).not.toMatch(/Required\.\nCLUSTER_SUBNETWORK=/)
    expect(configurationReference()).toMatch(/`RAW_BUCKET` .* \| required \|/)
  })
})
