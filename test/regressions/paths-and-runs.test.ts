import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { firstAttempt } from '../../workflows/attempts.ts'
import { FAILURES, RUN_ID_PATTERN, workflowIdOf } from '../../workflows/contract.ts'
import { batchPaths, PathError, parseFolder, processedPath } from '../../workflows/paths.ts'
import { planRun } from '../../workflows/plan.ts'
import { RUN_DEFAULTS } from '../support/run-defaults.ts'

/** The faults of the system that this one replaces, each of which must not come back; those that need no cloud. */

const ROOT = join(import.meta.dirname, '..', '..')
const RULES = {
  rawBucket: 'gsgs-bucket',
  processedBucket: 'processed-bucket',
  allowedBuckets: ['gsgs-bucket', 'sg-bucket'],
  callerFolders: [],
}
const DEFAULTS = { ...RUN_DEFAULTS, paths: RULES }
const DEADLINES = { createCluster: 1, sparkJob: 1, clusterLifetime: 2 }

describe('faults of the original that lie in paths', () => {
  test('fault 1: no program that sees a path from a caller can start a shell', async () => {
    for (const folder of ['workflows', 'activities', 'src/gateway', 'src/worker']) {
      const names = await readdir(join(ROOT, folder), { recursive: true })
      for (const name of names.filter((file) => file.endsWith('.ts'))) {
        const source = await readFile(join(ROOT, folder, name), 'utf8')
        expect([name, /child_process|\bspawn\(|\bexecFile\(/.test(source)]).toEqual([name, false])
      }
    }
  })

  test('fault 1: what a shell would read as a command is only a name', () => {
    const { rawPath } = batchPaths({ rawPath: 'exports; rm -rf "$HOME" `id` $(id)/raw-1' }, RULES)
    expect(rawPath).toBe('gs://gsgs-bucket/exports; rm -rf "$HOME" `id` $(id)/raw-1/')
  })

  test.each(['gsgs-bucket', 'sg-bucket'])('fault 2: the bucket %s keeps its first letters', (bucket) => {
    expect(parseFolder('raw_path', `gs://${bucket}/exports/raw-1`, 'other')).toEqual({
      bucket,
      prefix: 'exports/raw-1/',
    })
    expect(batchPaths({ rawPath: `gs://${bucket}/exports/raw-1/` }, RULES).transformedPath).toBe(
      `gs://${bucket}/exports/transformed-1/`,
    )
  })

  test.each([
    'exports/2019/',
    'raw-exports/2019',
    'exports/raw-2019/part/',
    'exports/myraw-2019/',
    'exports/raw-',
  ])('fault 3: a raw path whose last folder is no raw-<timestamp> is refused: %s', (rawPath) => {
    expect(() => batchPaths({ rawPath }, RULES)).toThrow(PathError)
  })

  test('fault 3: only the last folder is replaced, and no temporary path is, holds or lies in the raw path', () => {
    const paths = batchPaths({ rawPath: 'raw-data/raw-a/raw-2019/' }, RULES)
    expect(paths.transformedPath).toBe('gs://gsgs-bucket/raw-data/raw-a/transformed-2019/')
    for (const transformedPath of [
      'raw-data/raw-a/raw-2019/',
      'raw-data/raw-a',
      'raw-data/raw-a/raw-2019/t/',
    ]) {
      expect(() => batchPaths({ rawPath: 'raw-data/raw-a/raw-2019/', transformedPath }, RULES)).toThrow(
        PathError,
      )
    }
  })

  test.each([
    'exports/failed-1/',
    'exports/failed-1',
    '/exports/failed-1/',
    'gs://gsgs-bucket/exports/failed-1/',
  ])('fault 4: the failed path %s names one folder, once', (failedPath) => {
    expect(batchPaths({ rawPath: 'exports/raw-1', failedPath }, RULES).failedPath).toBe(
      'gs://gsgs-bucket/exports/failed-1/',
    )
  })

  test('the archive lies in a folder of its own with the day of processing', () => {
    const paths = batchPaths({ rawPath: 'exports/raw-1' }, RULES)
    expect(processedPath(paths, '2019-03-24')).toBe(
      'gs://processed-bucket/exports/processed_date=2019-03-24/raw-1/',
    )
  })
})

describe('faults of the original that lie in names', () => {
  test('fault 5: two attempts never share a cluster, on whatever day', () => {
    const prepared = {
      deployment: 'test',
      plan: planRun({ rawPath: 'exports/raw-1' }, DEFAULTS),
      deadlines: DEADLINES,
      zones: [],
      cloud: { project: 'some-project', region: 'us-central1', bigqueryLocation: 'US' },
      clusterSlots: 'cluster-slots/test',
    }
    const names = Array.from(
      { length: 100 },
      () => firstAttempt(prepared, crypto.randomUUID()).current.clusterName,
    )
    expect(new Set(names).size).toBe(100)
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]{0,49}[a-z0-9]$/)
  })

  test('fault 6: a repeated POST has the id of the first run, whatever characters the run id has', () => {
    const runId = 'manual__2019-03-01T00:00:00+00:00'
    expect(runId).toMatch(new RegExp(RUN_ID_PATTERN))
    expect(workflowIdOf(runId)).toBe(workflowIdOf(runId))
    expect(workflowIdOf(runId)).not.toBe(workflowIdOf('manual__2019-03-01T00:00:01+00:00'))
  })

  test('fault 12: neither quota nor stockout, nor any trouble of the machinery, is the fault of the data', () => {
    const data = Object.entries(FAILURES).filter(([, kind]) => kind === 'data')
    expect(data.map(([type]) => type)).toEqual(['RawFileUnreadable', 'TooManyRejects'])
  })
})
