import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bucket, Storage } from '@google-cloud/storage'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { OAuth2Client } from 'google-auth-library'
import {
  createCluster,
  type DataprocUnderTest,
  type Job,
  jobWhen,
  pysparkJob,
  startDataprocUnderTest,
  status,
  until,
} from './dataproc-support.ts'

// A JVM, a Python and a loaded machine.
const SPARK_MS = 110_000

let dataproc: DataprocUnderTest
let bucket: Bucket
let state: Bucket
beforeAll(async () => {
  dataproc = await startDataprocUnderTest({ jobMode: 'spark' })
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: 'any', expiry_date: Number.MAX_SAFE_INTEGER })
  const storage = new Storage({ projectId: 'p', apiEndpoint: dataproc.storageEndpoint, authClient })
  bucket = storage.bucket('local-project-raw')
  state = storage.bucket('local-project-state')
  await createCluster(dataproc, 'spark', {
    config: { softwareConfig: { properties: { 'spark:spark.test.cluster': 'from the cluster' } } },
  })
}, 60_000)
afterAll(() => dataproc.close())

const submit = async (pyspark: object, job: Job = {}) =>
  (
    await dataproc.jobs.submitJob({
      ...dataproc.at,
      job: pysparkJob('spark', {
        pysparkJob: { mainPythonFileUri: 'gs://local-project-raw/job.py', ...pyspark },
        ...job,
      }),
    })
  )[0]
const over = (job: Job) =>
  jobWhen(dataproc, job.reference?.jobId ?? '', ({ done }) => done === true, SPARK_MS)

async function output(job: Job): Promise<string> {
  const [, name, prefix] = /^gs:\/\/([^/]+)\/(.+)$/.exec(job.driverOutputResourceUri ?? '') ?? []
  const [files] = await bucket.storage.bucket(name ?? '').getFiles({ prefix: `${prefix}.` })
  const chunks = await Promise.all(files.map((file) => file.download()))
  return chunks.map(([bytes]) => bytes.toString()).join('')
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a PySpark job', () => {
  test(
    'runs from gs://, is given its arguments, files and properties untouched, writes to storage, and is refused what its cluster may not do',
    async () => {
      await bucket.file('in.txt').save('one\ntwo\nthree\n')
      await bucket.file('job.py').save(`
import sys
from helper import WORD
from pyspark import SparkFiles
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
rows = spark.read.text("gs://local-project-raw/in.txt")
rows.write.text("gs://local-project-raw/out/")
print("rows", rows.count(), WORD, sys.argv[1:])
print(spark.conf.get("spark.test.job"), "and", spark.conf.get("spark.test.cluster"), "caf\\u00e9", file=sys.stderr)
print(open(SparkFiles.get("in.txt")).read().split())

def on(uri):
    path = spark._jvm.org.apache.hadoop.fs.Path(uri)
    return path.getFileSystem(spark._jsc.hadoopConfiguration()), path
def read(uri):
    spark.read.text(uri).collect()
def create(uri):
    files, path = on(uri)
    files.create(path).close()
def delete(uri):
    files, path = on(uri)
    files.delete(path, False)
for attempt in [
    (read, "gs://local-project-state/batches/claim.json"),
    (create, "gs://local-project-state/claim.json"),
    (create, "gs://local-project-state/manifests/mine.ndjson"),
    (delete, "gs://local-project-state/manifests/kept.ndjson"),
    (read, "gs://local-project-processed/kept.json"),
    (create, "gs://local-project-processed/mine.json"),
    (delete, "gs://local-project-processed/kept.json"),
]:
    try:
        attempt[0](attempt[1])
        print("LET THROUGH", attempt)
    except Exception as error:
        print("refused", attempt[0].__name__, attempt[1])
`)
      const processed = bucket.storage.bucket('local-project-processed')
      const kept = [
        state.file('batches/claim.json'),
        state.file('manifests/kept.ndjson'),
        state.file('scripts/2/helper.py'),
        processed.file('kept.json'),
      ]
      await Promise.all(kept.map((file) => file.save('WORD = "helped"\n')))
      const names = async () =>
        [...(await state.getFiles())[0], ...(await processed.getFiles())[0]].map(({ name }) => name)
      const before = await names()
      const args = ['a b', '$(touch /tmp/never)', '--conf', "it's", '*']
      const job = await over(
        await submit({
          args,
          pythonFileUris: ['gs://local-project-state/scripts/2/helper.py'],
          fileUris: ['gs://local-project-raw/in.txt'],
          properties: { 'spark.test.job': 'from the job' },
        }),
      )
      const text = await output(job)
      expect([job.status?.state, text]).toEqual(['DONE', expect.anything()])
      expect(text).toContain(`rows 3 helped ['a b', '$(touch /tmp/never)', '--conf', "it's", '*']`)
      expect(text).toContain('from the job and from the cluster café')
      expect(text).toContain("['one', 'two', 'three']")
      expect(job.driverOutputResourceUri).toMatch(/^gs:\/\/dataproc-staging-.*\/driveroutput$/)
      const [files] = await bucket.getFiles({ prefix: 'out/' })
      expect(files.map(({ name }) => name)).toContain('out/_SUCCESS')
      // The clusters' account may write to the raw bucket, and no further than it must.
      expect(text).not.toContain('LET THROUGH')
      expect(text.match(/^refused /gm)).toHaveLength(7)
      expect(await names()).toEqual(before)
    },
    SPARK_MS,
  )

  test(
    'that raises ends in ERROR, with the exception and the place of the output in its details',
    async () => {
      await bucket.file('fails.py').save('raise ValueError("no such luck")\n')
      const job = await over(await submit({ mainPythonFileUri: 'gs://local-project-raw/fails.py' }))
      expect(job.status?.state).toBe('ERROR')
      expect(job.status?.details).toMatch(/^Job failed with message \[ValueError: no such luck\]/)
      expect(job.status?.details).toContain(job.driverOutputResourceUri)
      expect(await output(job)).toContain('Traceback')
    },
    SPARK_MS,
  )

  test(
    'that is restartable is run again, as often as it may fail',
    async () => {
      await bucket.file('fails.py').save('raise ValueError("again")\n')
      const restartable = { scheduling: { maxFailuresPerHour: 1 } }
      const job = await over(
        await submit({ mainPythonFileUri: 'gs://local-project-raw/fails.py' }, restartable),
      )
      expect(job.statusHistory?.map(({ state }) => state)).toContain('ATTEMPT_FAILURE')
      expect((await output(job)).match(/ValueError: again/g)).toHaveLength(2)
    },
    SPARK_MS,
  )

  test(
    'shows its output while it runs, and a cancel kills its whole process group',
    async () => {
      await bucket.file('sleeps.py').save(`
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"])
print("pids", os.getpid(), os.getppid(), child.pid, flush=True)
time.sleep(600)
`)
      const job = await submit({ mainPythonFileUri: 'gs://local-project-raw/sleeps.py' })
      const text = await until(
        () => output(job),
        (soFar) => soFar.includes('pids'),
        SPARK_MS,
      )
      const pids = (/pids (.*)/.exec(text)?.[1] ?? '').split(' ').map(Number)
      expect(pids.map(isAlive)).toEqual([true, true, true])
      await dataproc.jobs.cancelJob({ ...dataproc.at, jobId: job.reference?.jobId ?? '' })
      expect((await over(job)).status?.state).toBe('CANCELLED')
      await until(
        async () => pids.map(isAlive),
        (alive) => alive.every((one) => !one),
      )
    },
    SPARK_MS,
  )

  test(
    'dies with its cluster',
    async () => {
      await createCluster(dataproc, 'doomed')
      const job = await submit(
        { mainPythonFileUri: 'gs://local-project-raw/sleeps.py' },
        { placement: { clusterName: 'doomed' } },
      )
      const text = await until(
        () => output(job),
        (soFar) => soFar.includes('pids'),
        SPARK_MS,
      )
      const pids = (/pids (.*)/.exec(text)?.[1] ?? '').split(' ').map(Number)
      const [operation] = await dataproc.clusters.deleteCluster({ ...dataproc.at, clusterName: 'doomed' })
      await operation.promise()
      expect((await over(job)).status?.state).toBe('ERROR')
      await until(
        async () => pids.map(isAlive),
        (alive) => alive.every((one) => !one),
      )
    },
    SPARK_MS,
  )
})

describe('the stub for the job', () => {
  const raw = [
    '{"vendor_id":"2","pickup_datetime":"2019-03-23 21:00:01 UTC","dropoff_datetime":"2019-03-23 21:07:28 UTC","trip_distance":2.3,"passenger_count":"1","store_and_fwd_flag":"N","fare_amount":8}',
    '\ufeff {"vendor_id":2,"pickup_datetime":"2019-03-23T21:00:01.5Z","dropoff_datetime":"2019-03-23T22:00:01+01:00","trip_distance":"1","payment_type":"say \\"hi\\", é"}',
    '{"trip_distance":0,"store_and_fwd_flag":1,"unknown":true}',
    '{"trip_distance":-1,"passenger_count":"2.0","tip_amount":1e-7,"total_amount":12345678.9}',
    '{"vendor_id":"","trip_distance":null}',
    '',
    'not json',
    '[]',
    '{"trip_distance":"far"}',
    '{"passenger_count":1.5}',
    '{"pickup_datetime":"yesterday"}',
    '{"pickup_datetime":"2019-02-30 00:00:00 UTC"}',
    '{"vendor_id":["a"]}',
  ].join('\n')

  async function run(jobMode: string): Promise<Record<string, unknown>> {
    await dataproc.control('PUT', '/settings', { jobMode })
    const root = `gs://local-project-raw/${jobMode}`
    const job = await over(
      await submit({
        mainPythonFileUri: 'gs://local-project-state/scripts/1/spark_avg_speed.py',
        args: [
          '--gcs_path_raw',
          'gs://local-project-raw/raw-1/',
          '--gcs_path_transformed',
          `${root}/transformed/`,
          '--gcs_path_rejected',
          `${root}/rejected/`,
          '--manifest',
          'gs://local-project-state/manifests/manifest.ndjson',
        ],
      }),
    )
    const lines = async (prefix: string) => {
      const [files] = await bucket.getFiles({ prefix: `${jobMode}/${prefix}part-` })
      const contents = await Promise.all(files.map((file) => file.download()))
      return contents.flatMap(([bytes]) => bytes.toString().split('\n').filter(Boolean)).sort()
    }
    const [summary] = await bucket.file(`${jobMode}/transformed/_summary.json`).download()
    const [accounts] = await bucket.file(`${jobMode}/transformed/_accounts.ndjson`).download()
    const [marker] = await bucket.file(`${jobMode}/transformed/_SUCCESS`).exists()
    return {
      state: job.status?.state,
      marker,
      accounts: accounts
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      summary: JSON.parse(summary.toString()),
      rows: (await lines('transformed/')).map(comparable),
      rejects: (await lines('rejected/')).map((line) => JSON.parse(line)),
    }
  }

  /** Java and JavaScript write some doubles differently: 1.0E-7 and 1e-7 are one number to whoever loads them. */
  function comparable(line: string): string {
    return line.replace(/(?<=^|,)-?[\d.]+(?:[eE][-+]?\d+)?(?=,|$)/g, (number) => String(Number(number)))
  }

  test(
    'writes what the real script writes on Spark, rejects and summary included',
    async () => {
      const script = join(import.meta.dirname, '..', '..', 'spark', 'spark_avg_speed.py')
      await state.file('scripts/1/spark_avg_speed.py').save(await readFile(script))
      await bucket.file('raw-1/a.json').save(raw)
      await bucket.file('raw-1/b +.json').save(`${raw.split('\n', 1)[0]}\n{"hello":1}\n`)
      const names = ['raw-1/a.json', 'raw-1/b +.json']
      const manifest = names.map((name) => `${JSON.stringify({ name })}\n`).join('')
      await state.file('manifests/manifest.ndjson').save(manifest)
      const stub = await run('stub')
      expect(stub['state']).toBe('DONE')
      expect(stub['summary']).toMatchObject({
        rows_read: 14,
        rows_written: 6,
        rows_rejected: 8,
        files_read: 2,
        files_accounted: 2,
      })
      expect(stub).toEqual(await run('spark'))
    },
    SPARK_MS,
  )
})

test('a failed job cannot be cancelled into another state', async () => {
  const [job] = (await dataproc.jobs.listJobs({ ...dataproc.at, filter: 'status.state = ERROR' }))[0]
  await expect(
    dataproc.jobs.cancelJob({ ...dataproc.at, jobId: job?.reference?.jobId ?? '' }),
  ).rejects.toMatchObject({ code: status.FAILED_PRECONDITION })
})

test(
  'the drivers die with the stand-in',
  async () => {
    await bucket
      .file('sleeps.py')
      .save('import os, time\nprint("pids", os.getpid(), os.getppid(), flush=True)\ntime.sleep(600)\n')
    const job = await submit({ mainPythonFileUri: 'gs://local-project-raw/sleeps.py' })
    const text = await until(
      () => output(job),
      (soFar) => soFar.includes('pids'),
      SPARK_MS,
    )
    const pids = (/pids (.*)/.exec(text)?.[1] ?? '').split(' ').map(Number)
    expect(pids.map(isAlive)).toEqual([true, true])
    await dataproc.close()
    expect(pids.map(isAlive)).toEqual([false, false])
  },
  SPARK_MS,
)
