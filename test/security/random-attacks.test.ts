import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { attemptFor, NAMESPACE_ID } from '../support/activities.ts'
import { scaled } from '../support/scale.ts'
import {
  type Attack,
  clusterAttacks,
  forgedCalls,
  type Mine,
  noteAttacks,
  requests,
} from './support/attacks.ts'
import { changes, OTHER_KEY, OTHER_RUN } from './support/bystanders.ts'
import { INNER } from './support/hostile.ts'
import { outcomeOf } from './support/outcome.ts'
import { type IsOwn, ofBatch, startWorld, type World } from './support/world.ts'

// The same thousand each time; ten thousand others each time, whose seed is in the report of a failure.
const SCALE = scaled({ times: 1, seed: 1, minutes: 3 }, { times: 10, seed: undefined, minutes: 30 })
/** Attacks between two looks at what is others'. */
const GROUP = 10
/** One row of the CSV: vendor, 17 empty columns, flag, speed. */
const ROW = `"CMT"${','.repeat(18)}"N",12.5\n`

let world: World
let mine: Mine
let isOwn: IsOwn
const outcomes = new Map<string, number>()

beforeAll(async () => {
  world = await startWorld()
  const { bench, buckets } = world
  const plan = await world.batch({ rawPath: 'exports/raw-mine' })
  const batch = await bench.call('describeRawFiles', [plan])
  mine = { plan, again: bench.plan({ ...plan.input, reload: 'again' }), batch, attempt: attemptFor(plan) }
  const notes = [
    `deployments/${bench.settings.deployment}/`,
    `tables/${plan.outputTable}/`,
    'tables/local-project.ComposerDemo.mine/',
  ]
  const manifests = mine.again.manifestUri.replace(/[^/]*$/, '')
  const own = [...notes.map((folder) => `gs://${buckets.state}/${folder}`), manifests]
  const chosen = new RegExp(
    `^gs://${buckets.raw}/chosen/(.+/)?(failed|transformed)-mine/${buckets.raw}/exports/raw-mine/`,
  )
  // Who asks for a table that is another's may wait in its line, and gets no further.
  const line = new RegExp(`^gs://${buckets.state}/tables/[^/]+/claim.json$`)
  const ofMine = ofBatch(plan, buckets)
  // Another batch, below this one, that came after it was described.
  await world.put(`${buckets.raw}/${INNER}`, INNER)
  isOwn = (uri) =>
    (ofMine(uri) && !uri.endsWith(INNER)) ||
    chosen.test(uri) ||
    line.test(uri) ||
    own.some((folder) => uri.startsWith(folder))
  await putOthersTables()
}, 60_000)
afterAll(() => world?.close())

/** Tables of others in the dataset in which callers may name tables, and in another. */
async function putOthersTables(): Promise<void> {
  const { bigquery } = world.google
  for (const [dataset, name, labels] of [
    ['ComposerDemo', 'foreign', {}],
    ['ComposerDemo', 'neighbours', { state_bucket: 'another-state' }],
  ] as const) {
    const destination = bigquery.dataset(dataset).table(name)
    const [job] = await bigquery.createQueryJob({ query: "SELECT 'kept' AS secret", destination })
    await job.promise()
    await destination.setMetadata({ labels })
  }
}

/** The batch as it is before anything is done to it, with an output. */
async function restore(): Promise<void> {
  const { plan, attempt } = mine
  const at = (uri: string) => uri.slice('gs://'.length)
  await Promise.all([
    world.put(`${at(plan.rawPath)}a.json`, 'raw'),
    world.put(`${at(plan.failedPath)}b.json`, 'failed'),
    world.put(`${at(attempt.outputPath)}_SUCCESS`, ''),
    world.put(`${at(attempt.outputPath)}part-00000`, ROW),
  ])
}

/** Does things, and looks at all objects of others after each few. */
async function attackWith(attacks: fc.Arbitrary<Attack>, cases: number): Promise<void> {
  const before = await world.objects()
  const group = fc.array(attacks, { minLength: GROUP, maxLength: GROUP })
  const property = fc.asyncProperty(group, async (some) => {
    await restore()
    for (const { name, run } of some) {
      const outcome = `${name}: ${await outcomeOf(run)}`
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    const touched = changes(before, await world.objects(), isOwn)
    if (touched.length > 0) throw new Error(`They have touched ${touched.join(', ')}.`)
  })
  const { seed, times } = SCALE
  const numRuns = Math.ceil((cases * times) / GROUP)
  await fc.assert(property, { numRuns, endOnFailure: true, ...(seed !== undefined && { seed }) })
}

/** Does something, and looks at all clusters and tables of others. */
async function sparing(attack: () => Promise<void>): Promise<void> {
  const look = async () => new Map([...(await world.clusters()), ...(await world.tables())])
  const before = await look()
  await attack()
  const after = await look()
  for (const [name, state] of before)
    if (name !== OUR_TABLE && name !== mine.attempt.clusterName)
      expect([name, after.get(name)]).toEqual([name, state])
}
const OUR_TABLE = 'ComposerDemo.nyc-tlc-yellow-trips'

test.each([
  ['notes of any content', 400, noteAttacks],
  ['forged plans, attempts, batches and receipts', 400, forgedCalls],
  ['requests that ask for anything', 140, requests],
] as const)(
  'findings 1-5 and 7: %s touch nothing of others',
  (_, cases, attacks) => sparing(() => attackWith(attacks(world, mine), cases)),
  SCALE.minutes * 60_000,
)

test(
  'finding 3: what clusters say of themselves touches nothing of others',
  async () => {
    const ours = { pipeline: 'average-speed', deployment: 'test', attempt: OTHER_KEY }
    const metadata = (workflowId: string, deployment: string) => ({
      'average-speed-workflow-id': workflowId,
      'average-speed-namespace-id': NAMESPACE_ID,
      'average-speed-deployment': deployment,
    })
    const theirs: readonly (readonly [string, Record<string, string>])[] = [
      [`average-speed-${'d'.repeat(32)}`, metadata('closed', 'other')],
      ['average-speed-demo', {}],
      ['analytics', {}],
    ]
    await world.cluster(`average-speed-${OTHER_KEY}`, ours, metadata(OTHER_RUN, 'test'))
    world.bench.clusterNames.set(OTHER_RUN, `average-speed-${OTHER_KEY}`)
    for (const [name, said] of theirs) await world.cluster(name, {}, said)
    const names = theirs.map(([name]) => name)
    await sparing(() => attackWith(clusterAttacks(world, names), 60))
  },
  SCALE.minutes * 60_000,
)

afterAll(() => {
  const lines = [...outcomes].sort().map(([outcome, count]) => `${outcome} × ${count}`)
  console.info(lines.join('\n'))
})
