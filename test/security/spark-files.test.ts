import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { SparkJobOptions } from '../../activities/spark-arguments.ts'
import { metadataOf, withSparkCopies } from '../../activities/spark-files.ts'
import { createBigQuery, createStorage } from '../../src/clients.ts'
import { loadSetupConfig, loadWorkerConfig } from '../../src/config.ts'
import { ensure } from '../../src/setup/apply.ts'
import { storageResources, warehouseResources } from '../../src/setup/resources.ts'
import { sparkFiles } from '../../src/setup/script.ts'
import { refuseForeign } from '../../src/worker/refuse-foreign.ts'
import { type DataprocBench, startDataprocBench } from '../activities/dataproc-bench.ts'
import { activityBench } from '../support/activities.ts'
import { putObject } from '../support/objects.ts'

const SCRIPTS = 'gs://local-project-state/scripts/'
const NOTE = 'gs://local-project-state/deployments/test/spark.json'
const OWN = {
  script: 'gs://local-project-raw/jobs/mine.py',
  helper: 'gs://local-project-raw/jobs/helper.py',
  jar: 'gs://local-project-raw/jobs/large.jar',
}

let bench: DataprocBench
let own: SparkJobOptions
beforeAll(async () => {
  bench = await startDataprocBench()
  const { spark } = loadSetupConfig({
    ...bench.cloud.env,
    DEPLOYMENT: 'test',
    SPARK_SCRIPT_URI: OWN.script,
    SPARK_PY_FILES: OWN.helper,
    SPARK_JARS: OWN.jar,
  })
  own = spark
})
beforeEach(() => bench.reset())
afterAll(() => bench?.close())

const put = (uri: string, content: string | Buffer) => putObject(bench.google.storage, uri, content)
const read = async (uri: string): Promise<string> => {
  const [, bucket = '', name = ''] = /^gs:\/\/([^/]+)\/(.*)$/.exec(uri) ?? []
  return String((await bench.google.storage.bucket(bucket).file(name).download())[0])
}
const setUpOwn = async (): Promise<void> => {
  for (const file of sparkFiles(bench.google.storage, own, '')) await ensure(file)
}
const inspections = () =>
  Promise.all(sparkFiles(bench.google.storage, own, '').map(async (file) => (await file.inspect()).state))
const copies = () => withSparkCopies(bench.google.storage, { spark: own })

/** Runs the job of an attempt by its activity. @returns what the job was given */
async function submitted(spark: SparkJobOptions) {
  const attempt = bench.attempt()
  const cluster = await bench.create(attempt)
  const { call } = activityBench(bench.cloud, bench.google, { spark, settleMs: 20 })
  await call('runSparkJob', [bench.plan, bench.batch, attempt, cluster])
  const [job] = await bench.google.jobs.getJob({ ...bench.at, jobId: attempt.sparkJobId })
  return job.pysparkJob
}

describe('finding 6: a cluster runs what set-up has put there, and nothing that was changed since', () => {
  test('the script of the release lies out of reach of exporters, and is given to the job', async () => {
    const { spark } = bench.bench.settings
    expect(await submitted(spark)).toMatchObject({
      mainPythonFileUri: expect.stringMatching(
        /^gs:\/\/local-project-state\/scripts\/[0-9a-f]{64}\/spark_avg_speed\.py$/,
      ),
    })
    const [files] = await bench.google.storage.bucket('local-project-raw').getFiles({ prefix: 'spark-jobs/' })
    expect(files).toEqual([])
  })

  test('a script that was overwritten between set-up and run is not run', async () => {
    const { scriptUri } = bench.bench.settings.spark
    const before = await read(scriptUri)
    for (const changed of [`${before}\nimport os`, before.replace('import', 'IMPORT'), '']) {
      await put(scriptUri, changed)
      await expect(submitted(bench.bench.settings.spark)).rejects.toMatchObject({
        type: 'SparkScriptChanged',
        nonRetryable: true,
        message: expect.stringMatching(
          /spark_avg_speed\.py is not the one .* Run average-speed setup, then retry/,
        ),
      })
    }
    expect((await bench.ledger()).jobs.filter(({ state }) => state !== 'DONE')).toEqual([])
    await put(scriptUri, before)
  })

  test('files of one’s own are copied; a job is given the copies, whatever becomes of the files', async () => {
    await put(OWN.script, 'print("good")')
    await put(OWN.helper, 'pass')
    await put(OWN.jar, Buffer.alloc(3_000_000, 'jar'))
    await expect(submitted(own)).rejects.toMatchObject({
      type: 'NotFound',
      nonRetryable: true,
      message: expect.stringMatching(
        /mine\.py is not in gs:\/\/local-project-state\/scripts\/, where average-speed setup/,
      ),
    })
    await setUpOwn()
    expect(await inspections()).toEqual(['right', 'right', 'right'])
    await put(OWN.script, 'print("evil")')
    await put(OWN.jar, Buffer.alloc(3_000_000, 'raj'))
    const job = await submitted(own)
    expect(await read(job?.mainPythonFileUri ?? '')).toBe('print("good")')
    expect(await read(job?.jarFileUris?.[0] ?? '')).toMatch(/^jarjar/)
    expect(job?.pythonFileUris?.[0]).toMatch(
      /^gs:\/\/local-project-state\/scripts\/[0-9a-f]{64}\/helper\.py$/,
    )
    expect(await inspections()).toEqual(['differs', 'right', 'differs'])
    await setUpOwn()
    expect(await read((await submitted(own))?.mainPythonFileUri ?? '')).toBe('print("evil")')
  })

  test('a copy that somebody has replaced, were it by the same bytes, is not given to a job', async () => {
    const { spark } = await copies()
    for (const uri of [spark.scriptUri, ...spark.pythonFileUris, ...spark.jarFileUris]) {
      await put(uri, await read(uri))
      await expect(copies()).rejects.toMatchObject({ type: 'SparkScriptChanged', nonRetryable: true })
      expect(await inspections()).toContain('differs')
      await setUpOwn()
      expect((await copies()).spark).toEqual(spark)
    }
  })

  test('a note that is not set-up’s is final, says which, and leads to no other file', async () => {
    const good = await read(NOTE)
    const scheme = JSON.parse(good) as { files: Record<string, unknown>[] }
    const elsewhere = scheme.files.map((file) => ({ ...file, copy: OWN.script }))
    for (const bad of [
      '',
      '5',
      'null',
      '[]',
      '{"files":{}}',
      `{"files":[${'1,'.repeat(99_999)}1]}`,
      '{"files":[5]}',
    ]) {
      await put(NOTE, bad)
      await expect(copies()).rejects.toMatchObject({
        type: 'NoteUnreadable',
        nonRetryable: true,
        message: expect.stringContaining(NOTE),
      })
    }
    await put(NOTE, JSON.stringify({ files: elsewhere }))
    await expect(copies()).rejects.toMatchObject({ type: 'NoteUnreadable', nonRetryable: true })
    await put(NOTE, good)
  })

  test('no note leads a job to a file outside the scripts of the state bucket', async () => {
    const good = await read(NOTE)
    const { files } = JSON.parse(good) as { files: Record<string, unknown>[] }
    const value = fc.oneof(
      fc.constantFrom(
        ...Object.values(OWN),
        SCRIPTS,
        `${SCRIPTS}../x.py`,
        ...files.map(({ copy }) => String(copy)),
      ),
      fc.string(),
      fc.integer(),
      fc.constant(null),
    )
    // Entries that fit what they name in all but the place: the script, as anybody may write it, and a copy of another file.
    const forged = await Promise.all(
      [OWN.script, OWN.helper, ...files.map(({ copy }) => String(copy))].map(async (copy) => {
        const {
          size,
          md5Hash: md5,
          crc32c,
          generation,
        } = (await metadataOf(bench.google.storage, copy)) ?? {}
        return { copy, md5, crc32c, size: Number(size), generation: String(generation) }
      }),
    )
    const forgery = fc.record({
      index: fc.nat({ max: 2 }),
      entry: fc.constantFrom(...forged),
    })
    const change = fc.record({
      index: fc.nat({ max: 2 }),
      field: fc.constantFrom('uri', 'copy', 'sha256', 'md5', 'crc32c', 'size', 'generation'),
      value,
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 2 }),
        fc.array(forgery, { maxLength: 2 }),
        async (changes, forgeries) => {
          const changed = structuredClone(files)
          for (const { index, entry } of forgeries) Object.assign(changed[index] ?? {}, entry)
          for (const { index, field, value: wrong } of changes)
            Object.assign(changed[index] ?? {}, { [field]: wrong })
          await put(NOTE, JSON.stringify({ files: changed }))
          const given = await copies().catch((error: unknown) => error)
          if (given instanceof Error) return expect(given).toMatchObject({ nonRetryable: true })
          const { spark } = given as Awaited<ReturnType<typeof copies>>
          for (const uri of [spark.scriptUri, ...spark.pythonFileUris, ...spark.jarFileUris])
            expect(uri).toMatch(/^gs:\/\/local-project-state\/scripts\/[0-9a-f]{64}\/[a-z]+\.(py|jar)$/)
        },
      ),
      { numRuns: process.env['TEST_SCALE'] === 'full' ? 1000 : 100 },
    )
    await put(NOTE, good)
  })

  test.each([
    ['SPARK_SCRIPT_URI', 'gs://bucket/'],
    ['SPARK_SCRIPT_URI', 'gs://bucket/a/../b.py'],
    ['SPARK_SCRIPT_URI', 'gs://bucket/x/..'],
    ['SPARK_PY_FILES', 'gs://b1/a.py, https://evil.example/b.py'],
    ['SPARK_JARS', 'gs://bucket/*.jar'],
    ['SPARK_JARS', 'file:///usr/lib/spark/x.jar'],
    ['SPARK_JARS', 'gs://bucket/%2e%2e/x.jar'],
    ['SPARK_JARS', 'gs://bucket/x\u202e.jar'],
  ])('%s %j is refused', (name, value) => {
    expect(() => loadWorkerConfig({ ...bench.cloud.env, [name]: value })).toThrow(
      new RegExp(`${name} (names .*, which is not gs://bucket/file|does not have the form)`),
    )
  })
})

describe('a bucket or a table has one state bucket', () => {
  const env = () => bench.cloud.env
  const other = () => ({ ...env(), STATE_BUCKET: 'other-state', DEPLOYMENT: 'other' })
  const label = (owner: string | null) => ({ labels: { state_bucket: owner } })
  const warn = { warn: () => undefined }
  const check = (variables: Readonly<Record<string, string>>) =>
    refuseForeign(bench.google, loadWorkerConfig({ ...env(), ...variables }), warn)

  test('another deployment’s set-up touches neither', async () => {
    const config = loadSetupConfig(other())
    const resources = [
      ...storageResources(createStorage(config.google), config),
      ...warehouseResources(createBigQuery(config.google), config),
    ]
    const states = []
    for (const resource of resources) states.push([resource.thing, (await resource.inspect()).state])
    expect(Object.fromEntries(states)).toMatchObject({
      'bucket gs://other-state': 'missing',
      'bucket gs://local-project-raw': 'wrong',
      'bucket gs://local-project-processed': 'wrong',
      'table local-project.ComposerDemo.nyc-tlc-yellow-trips': 'wrong',
    })
  })

  test('a worker starts on its own, and asks for no more than the metadata', async () => {
    await check({})
    expect(await bench.storage.calls()).toEqual({ 'buckets.get': 3 })
  })

  test('a worker does not start on another’s buckets and table, and names each', async () => {
    await bench.google.storage.createBucket('other-state', label('other-state'))
    const refusal = check({ STATE_BUCKET: 'other-state' })
    await expect(refusal).rejects.toThrow(
      /gs:\/\/local-project-raw belongs to .* state bucket is local-project-state/,
    )
    await expect(refusal).rejects.toThrow('gs://local-project-processed belongs to')
    await expect(refusal).rejects.toThrow('nyc-tlc-yellow-trips belongs to')
  })

  test('a worker does not start on a bucket that is nobody’s, or not there', async () => {
    await bench.google.storage.createBucket('landing')
    const variables = { ALLOWED_BUCKETS: 'local-project-raw, landing, nowhere' }
    await expect(check(variables)).rejects.toThrow(
      /gs:\/\/landing bears no label .* Run average-speed setup\.\n.*There is no bucket gs:\/\/nowhere/,
    )
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/worker/main.ts')], {
      env: { ...env(), ...variables, PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [[code], complaint] = await Promise.all([once(child, 'exit'), text(child.stderr)])
    expect(complaint).toMatch(/^The worker does not start:\n {2}The bucket gs:\/\/landing bears no label/)
    expect(code).toBe(1)
  })

  test('a worker that may not look says what it lacks', async () => {
    await bench.storage.addFault({ on: 'buckets.get', kind: 'error', code: 403, message: 'No.', times: 3 })
    await expect(check({})).rejects.toThrow(
      /Could not look at the bucket gs:\/\/local-project-state: No\. gcloud/,
    )
  })

  test('a worker waits while Cloud Storage does not answer', async () => {
    const storage = createStorage(loadWorkerConfig(env()).google)
    storage.retryOptions.autoRetry = false
    await bench.storage.addFault({ on: 'buckets.get', kind: 'error', code: 503, times: 3 })
    const said: string[] = []
    const logger = { warn: (_fields: object, line: string) => said.push(line) }
    await refuseForeign({ ...bench.google, storage }, loadWorkerConfig(env()), logger as never)
    expect(said).toHaveLength(3)
    expect(said[0]).toMatch(/^cannot look at the bucket gs:\/\/.* yet; the worker starts when it can$/)
  })
})
