import fc from 'fast-check'
import type { Activities } from '../../../activities/index.ts'
import { attemptOf } from '../../../workflows/attempt-names.ts'
import type { AverageSpeedInput } from '../../../workflows/contract.ts'
import type { RunPlan } from '../../../workflows/plan.ts'
import type { Attempt, Batch } from '../../../workflows/run-types.ts'
import { DEADLINES, NAMESPACE_ID } from '../../support/activities.ts'
import { OTHER_KEY } from './bystanders.ts'
import { hostileManifest, hostileNote, hostileUri, hostileValue, perhapsForged } from './hostile.ts'
import type { World } from './world.ts'

/** A batch of one's own, by which the worker is attacked. */
export interface Mine {
  readonly plan: RunPlan
  /** The same batch for a reload. */
  readonly again: RunPlan
  readonly batch: Batch
  readonly attempt: Attempt
}

/** Something that is done, by a name that tells what kind of thing it is. */
export interface Attack {
  readonly name: string
  run(): Promise<unknown>
}

type Name = keyof Activities
type Call = readonly [Name, readonly unknown[]]

const REASON = { type: 'x', message: 'x', workflowId: 'mine' }
const ROWS = { rowsRead: 1, rowsWritten: 1, rowsRejected: 0 }
const MINE = 'average-speed/mine'

const receiptOf = (processedPath: string) => ({ runId: 'mine', workflowId: MINE, processedPath })

/** Notes of any content, in each place where one is read, and an activity that reads them. */
export function noteAttacks(world: World, { plan, again, batch, attempt }: Mine): fc.Arbitrary<Attack> {
  const { bench, buckets, google } = world
  const { deployment, defaults } = bench.settings
  const ofDeployment = `gs://${defaults.stateBucket}/deployments/${deployment}/`
  const ofTable = `gs://${defaults.stateBucket}/tables/${plan.outputTable}/`
  const archive = `${plan.processedRoot}processed_date=2019-03-02/raw-mine`
  const tableBatch = {
    rawPath: plan.rawPath,
    batchName: plan.batchName,
    loadId: `average_speed_${'0'.repeat(40)}`,
  }
  const onBatch: readonly Call[] = [
    ['describeRawFiles', [plan]],
    ['describeRawFiles', [again]],
    ['archiveRawFiles', [plan]],
    ['moveRawFilesToFailed', [plan, REASON]],
    ['deleteTemporaryFiles', [plan, attempt]],
    ['releaseBatch', [plan]],
    ['writeReceipt', [plan, receiptOf(`${archive}/`)]],
  ]
  const onTable: readonly Call[] = [
    ['claimTableIfFree', [plan]],
    ['claimTable', [plan]],
    ['releaseTable', [plan]],
  ]
  const verify: Call = ['verifyOutput', [plan, batch, attempt]]
  const place = (name: string, uri: string, bytes: fc.Arbitrary<Buffer>, readers: readonly Call[]) =>
    fc.tuple(bytes, fc.constantFrom(...readers)).map(([content, [activity, args]]) => ({
      name: `${activity} with a note as ${name}`,
      async run() {
        await world.put(uri.slice('gs://'.length), content)
        try {
          await bench.call(activity, args as never, { workflowId: MINE })
        } finally {
          const [bucket = '', ...rest] = uri.slice('gs://'.length).split('/')
          await google.storage.bucket(bucket).file(rest.join('/')).delete({ ignoreNotFound: true })
        }
      },
    }))
  const note = (valid: object) => hostileNote(valid, buckets)
  const holder = { workflowId: 'closed', runId: 'some-run', since: '2019-03-01T00:00:00.000Z' }
  const manifest = hostileManifest(buckets).map((lines) =>
    Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')),
  )
  const output = { owner: 'closed', input: plan.input, loadId: tableBatch.loadId }
  const others = { ...output, input: { rawPath: 'exports/raw-other' } }
  return fc.oneof(
    place('claim.json', `${plan.notesPath}claim.json`, note(holder), onBatch),
    place('archive.json', `${plan.notesPath}archive.json`, note({ processedDate: '2019-03-02' }), onBatch),
    place(
      'archive-again.json',
      `${plan.notesPath}archive-again.json`,
      note({ processedDate: '2019-03-02' }),
      onBatch,
    ),
    place('the manifest', plan.manifestUri, fc.oneof(manifest, note({})), [...onBatch, verify]),
    place("the reload's manifest", again.manifestUri, fc.oneof(manifest, note({})), onBatch),
    place("the table's claim", `${ofTable}claim.json`, note(holder), onTable),
    place(
      "the table's state",
      `${ofTable}state.json`,
      note({ holds: tableBatch, loading: tableBatch }),
      onTable,
    ),
    ...[attempt.key, OTHER_KEY].map((key) =>
      place('an output', `${ofDeployment}outputs/${key}.json`, fc.oneof(note(output), note(others)), [
        ['reapOrphans', []],
      ]),
    ),
    place('zone.json', `${ofDeployment}zone.json`, note({ zone: 'a' }), [['prepareRun', [plan.input]]]),
    place('_summary.json', `${attempt.outputPath}_summary.json`, note({ rows_read: 1, rows_written: 1 }), [
      verify,
    ]),
    place('a receipt', `${archive}.receipts/mine.json`, note(receiptOf(archive)), [
      ['writeReceipt', [plan, receiptOf(`${archive}/`)]],
    ]),
  )
}

/** Calls with valid arguments of which some fields were changed, by a workflow of any name but the others'. */
export function forgedCalls(world: World, { plan, again, batch, attempt }: Mine): fc.Arbitrary<Attack> {
  const { bench, buckets } = world
  const receipt = receiptOf(`${plan.processedRoot}processed_date=2019-03-02/raw-mine/`)
  const other = bench.plan({ rawPath: 'exports/raw-other' })
  const theirs = attemptOf(other, 1, OTHER_KEY, undefined)
  const cluster = { name: attempt.clusterName, uuid: 'x' }
  const valid: readonly Call[] = [
    ...[plan, again].flatMap((one): readonly Call[] => [
      ['claimBatch', [one]],
      ['releaseBatch', [one]],
      ['describeRawFiles', [one]],
      ['archiveRawFiles', [one]],
      ['moveRawFilesToFailed', [one, REASON]],
      ['deleteTemporaryFiles', [one, attempt]],
      ['deleteTemporaryFiles', [one, theirs]],
      ['writeReceipt', [one, receipt]],
      ['loadTable', [one, attempt, ROWS]],
      ['runSparkJob', [one, batch, attempt, cluster]],
    ]),
    ['deleteTemporaryFiles', [other, theirs]],
    ['archiveRawFiles', [other]],
    ['loadTable', [other, theirs, ROWS]],
    ['findLoad', [plan, batch]],
    ['verifyOutput', [plan, batch, attempt]],
    ['claimTableIfFree', [plan]],
    ['releaseTable', [plan]],
    ['createCluster', [attempt, DEADLINES]],
    ['deleteClusterIfPresent', [{ key: OTHER_KEY, uuid: 'x' }]],
    ['deleteClusterIfPresent', [{ key: attempt.key }]],
    ['removeEarlierClusters', [theirs]],
  ]
  const workflow = fc.constantFrom(MINE, 'closed', 'average-speed/other/', 'Average-speed/other')
  return fc
    .constantFrom(...valid)
    .chain(([activity, args]) => fc.tuple(fc.constant(activity), perhapsForged(args, buckets), workflow))
    .map(([activity, args, workflowId]) => ({
      name: `${activity} as it was forged`,
      run: () => bench.call(activity, Object.values(args) as never, { workflowId }),
    }))
}

/** Nothing for a request that the gateway would refuse. */
function planOf({ bench }: World, asked: object): RunPlan | undefined {
  try {
    return bench.plan(asked as AverageSpeedInput)
  } catch {
    return undefined
  }
}

/** Runs of requests of any content that the gateway lets through. */
export function requests(world: World, { attempt }: Mine): fc.Arbitrary<Attack> {
  const { bench, buckets } = world
  const table = (name: string) => `${bench.settings.project}.${name}`
  const uri = hostileUri(buckets)
  const input = fc.record(
    {
      // What lies in the folder of another batch is a batch of its own, which a caller may name.
      rawPath: likely(
        ['exports/raw-mine', `gs://${buckets.raw}/exports/raw-mine/`, 'exports/raw-other'],
        uri.filter((path) => !path.includes('raw-inner')),
      ),
      transformedPath: likely(['chosen/x/transformed-mine', 'exports/transformed-mine/'], uri),
      failedPath: likely(
        ['chosen/failed-mine', 'exports/failed-mine', 'chosen/failed-other/failed-mine'],
        uri,
      ),
      outputTable: likely(
        ['ComposerDemo.foreign', 'ComposerDemo.neighbours', 'Others.t', 'ComposerDemo.mine'].map(table),
        hostileValue(buckets),
      ),
      writeDisposition: fc.constantFrom('WRITE_TRUNCATE', 'WRITE_APPEND'),
      reload: fc.constantFrom('again', 'again', 'a', 'a/../b'),
    },
    { requiredKeys: ['rawPath'] },
  )
  const activities = [
    'describeRawFiles',
    'moveRawFilesToFailed',
    'deleteTemporaryFiles',
    'findLoad',
    'loadTable',
  ] as const
  const plans = input.map((asked) => planOf(world, asked)).filter((plan) => plan !== undefined)
  return fc.tuple(plans, fc.constantFrom(...activities)).map(([plan, activity]) => ({
    name: `${activity} as it was asked for`,
    async run() {
      const mine = attemptOf(plan, 1, attempt.key, undefined)
      const args = {
        describeRawFiles: [plan],
        moveRawFilesToFailed: [plan, REASON],
        deleteTemporaryFiles: [plan, mine],
        findLoad: [plan, { manifestUri: plan.manifestUri, files: 1, bytes: 1, digest: 'd' }],
        loadTable: [plan, mine, ROWS],
      }
      await bench.call(activity, args[activity] as never, { workflowId: MINE })
    },
  }))
}

/** Mostly one of some values. */
function likely(values: readonly unknown[], other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: other })
}

/** Clusters that say anything of themselves, new labels on those of others, and a sweep. */
export function clusterAttacks(world: World, theirs: readonly string[]): fc.Arbitrary<Attack> {
  const { google, where, buckets } = world
  const text = fc.constantFrom(
    'average-speed',
    'test',
    'other',
    'closed',
    OTHER_KEY,
    'c'.repeat(32),
    'x',
    'demo',
  )
  const labels = fc.record(
    { pipeline: fc.constantFrom('average-speed', 'x'), deployment: text, attempt: text, run: text },
    { requiredKeys: [] },
  )
  const metadata = fc.record(
    {
      'average-speed-workflow-id': fc.constantFrom('closed', 'average-speed/other', ''),
      'average-speed-deployment': fc.constantFrom('test', 'other'),
      'average-speed-namespace-id': fc.constantFrom(NAMESPACE_ID, 'other'),
      'average-speed-output-path': hostileUri(buckets),
    },
    { requiredKeys: [] },
  )
  let made = 0
  const creation = fc.tuple(labels, metadata, fc.boolean()).map(([of, about, isAttempts]) => async () => {
    const key = `${++made}`.padStart(32, 'e')
    const name = isAttempts ? `average-speed-${key}` : `anything-${made}`
    await world.cluster(name, { ...of, ...(isAttempts && { attempt: key }) }, about)
  })
  const relabelling = fc
    .tuple(fc.constantFrom(...theirs), labels, fc.boolean())
    .map(([name, of, fits]) => async () => {
      const attempt = name.replace(/^average-speed-/, '')
      const updated = fits ? { pipeline: 'average-speed', deployment: 'test', attempt } : of
      const cluster = { labels: updated as Record<string, string> }
      const updateMask = { paths: ['labels'] }
      const [operation] = await google.clusters.updateCluster({
        ...where,
        clusterName: name,
        cluster,
        updateMask,
      })
      await operation.promise()
    })
  return fc.oneof(creation, relabelling).map((change) => ({
    name: 'reapOrphans after a change of clusters',
    async run() {
      await change()
      await world.bench.call('reapOrphans', [])
    },
  }))
}
