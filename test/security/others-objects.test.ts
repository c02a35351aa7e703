import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { outputNotes } from '../../activities/output-notes.ts'
import type { RunPlan } from '../../workflows/plan.ts'
import { attemptFor, NAMESPACE_ID } from '../support/activities.ts'
import { contents } from '../support/objects.ts'
import { OTHER_KEY, OTHER_RUN } from './support/bystanders.ts'
import { NOTHING, ofBatch, startWorld, type World } from './support/world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world?.close())
afterEach(() => {
  world.bench.open.clear()
  world.bench.open.add(OTHER_RUN)
})

const sweep = () => world.bench.call('reapOrphans', [])
const inOrder = async (...steps: readonly (() => Promise<unknown>)[]) => {
  for (const step of steps) await step()
}

/** Says where the batch is archived, in each place where such a note was ever looked for. */
async function plantArchivePlace(plan: RunPlan, place: unknown): Promise<void> {
  const { raw, processed } = world.buckets
  const note = JSON.stringify(place)
  const stamp = plan.batchName.replace('raw-', '')
  for (const name of ['archive.json', 'archive-a.json']) {
    await world.put(`${raw}/exports/batch-${stamp}/${name}`, note)
    await world.put(`${raw}/batches/${raw}/exports/${plan.batchName}/${name}`, note)
    await world.put(`${processed}/batches/${raw}/exports/${plan.batchName}/${name}`, note)
  }
}

describe('finding 1: a write to the raw bucket deletes nothing', () => {
  test('when a raw file that is an output note is archived where the sweep reads', async () => {
    const { raw, processed, state } = world.buckets
    const plan = await world.batch()
    const note = { owner: 'closed', outputPath: `gs://${processed}/`, clusterName: 'x', loadId: 'x' }
    const known = { ...note, input: { rawPath: 'exports/raw-other' } }
    for (const text of [note, known])
      await world.put(`${raw}/exports/${plan.batchName}/${OTHER_KEY}.json`, JSON.stringify(text))
    for (const processedPath of [
      `gs://${processed}/_average-speed/deployments/default/outputs/`,
      `gs://${processed}/_average-speed/deployments/test/outputs/`,
      `gs://${state}/deployments/test/outputs/`,
    ]) {
      await plantArchivePlace(plan, { processedPath, processedDate: '../../deployments/test/outputs' })
      const outcome = await world.harmless(ofBatch(plan, world.buckets), () =>
        inOrder(
          () => world.bench.call('describeRawFiles', [plan]),
          () => world.bench.call('archiveRawFiles', [plan]),
          sweep,
        ),
      )
      expect(outcome).toBe('done')
    }
  })

  test('when notes lie in every bucket but the state bucket', async () => {
    const { raw, processed, foreign } = world.buckets
    const note = JSON.stringify({
      owner: 'closed',
      outputPath: `gs://${processed}/`,
      input: { rawPath: 'exports/raw-other' },
      loadId: 'average_speed_0123',
      clusterName: 'none',
    })
    for (const bucket of [raw, processed, foreign])
      for (const folder of ['deployments/test', '_average-speed/deployments/test'])
        await world.put(`${bucket}/${folder}/outputs/${OTHER_KEY}.json`, note)
    expect(await world.harmless(NOTHING, sweep)).toBe('done')
  })
})

describe('finding 2: nobody takes what is archived', () => {
  test('by a planted place and manifest, and a reload', async () => {
    const { raw, processed } = world.buckets
    const plan = await world.batch({ reload: 'a' })
    await plantArchivePlace(plan, { processedPath: `gs://${processed}/`, processedDate: '2019-03-01' })
    const line = { name: 'exports/raw-1/a.json', generation: '1', size: 1, crc32c: 'AAAAAA==' }
    const stamp = plan.batchName.replace('raw-', '')
    for (const folder of [`exports/batch-${stamp}`, `manifests/${raw}/exports/${plan.batchName}`])
      for (const name of ['manifest.ndjson', 'manifest-a.ndjson', 'manifest-b.ndjson'])
        await world.put(`${raw}/${folder}/${name}`, `${JSON.stringify(line)}\n`)
    const outcome = await world.harmless(ofBatch(plan, world.buckets), () =>
      world.bench.call('describeRawFiles', [plan]),
    )
    expect(outcome).toBe('done')
  })

  test.each<readonly [string, (plan: RunPlan, bucket: string) => Partial<RunPlan>]>([
    ['a processed path above the batch', (_, bucket) => ({ processedRoot: `gs://${bucket}/` })],
    ["another batch's name", () => ({ batchName: 'raw-other' })],
    [
      "another batch's folder as the failed path",
      ({ rawPath }) => ({ failedPath: rawPath.replace(/[^/]*\/$/, 'failed-other/') }),
    ],
    ['a manifest of its own', ({ rawPath }) => ({ manifestUri: `${rawPath}a.json` })],
    ['notes of its own', ({ rawPath }) => ({ notesPath: rawPath })],
    ['a reload that climbs', () => ({ reload: '../reload=a' })],
  ])('by a plan with %s', async (_, change) => {
    const plan = await world.batch()
    await world.bench.call('describeRawFiles', [plan])
    const forged = { ...plan, ...change(plan, world.buckets.processed) }
    for (const name of ['describeRawFiles', 'archiveRawFiles'] as const)
      expect(await world.harmless(NOTHING, () => world.bench.call(name, [forged]))).toBe('InvalidInput')
    const reason = { type: 'x', message: 'x', workflowId: 'x' }
    expect(
      await world.harmless(NOTHING, () => world.bench.call('moveRawFilesToFailed', [forged, reason])),
    ).toBe('InvalidInput')
  })

  test("by a manifest that lists another batch's files below the raw path", async () => {
    const { state, raw } = world.buckets
    const plan = await world.batch()
    await world.put(`${raw}/exports/${plan.batchName}/raw-inner/a.json`, 'of a batch in it')
    const lines = [...(await world.objects())].flatMap(([uri, generation]) => {
      const name = uri.slice(`gs://${raw}/`.length)
      const [number = '', crc32c = ''] = generation.split(' ')
      if (!uri.startsWith(plan.rawPath)) return []
      const size = name.includes('inner') ? 16 : `raw ${plan.rawPath}`.length
      return [`${JSON.stringify({ name, generation: number, size, crc32c })}\n`]
    })
    expect(lines).toHaveLength(2)
    await world.put(`${state}/manifests/${raw}/exports/${plan.batchName}/manifest.ndjson`, lines.join(''))
    const inner = `${plan.rawPath}raw-inner/`
    const isOwn = (name: string) => ofBatch(plan, world.buckets)(name) && !name.startsWith(inner)
    expect(await world.harmless(isOwn, () => world.bench.call('archiveRawFiles', [plan]))).toBe(
      'NoteUnreadable',
    )
  })
})

describe('finding 3: access to Temporal or Dataproc deletes nothing of others', () => {
  const standalone = () =>
    new MockActivityEnvironment({ workflowExecution: undefined, inWorkflow: false } as never, {
      logger: new DefaultLogger('ERROR'),
    })
  const outputsOf = ({ raw, processed }: World['buckets']) => [
    `gs://${processed}/`,
    `gs://${processed}/archive/`,
    `gs://${processed}/exports/processed_date=2019-03-01/raw-other/`,
    `gs://${raw}/exports/transformed-other/${OTHER_KEY}/`,
    `gs://${raw}/exports/transformed-other/`,
    `gs://${raw}/`,
    '',
  ]

  test('through deleteTemporaryFiles with a forged attempt, by itself or in a workflow', async () => {
    const plan = await world.batch()
    const { rawPath } = plan
    const other = world.bench.plan({ rawPath: 'exports/raw-other' })
    for (const outputPath of outputsOf(world.buckets)) {
      const forged = { ...attemptFor(plan), outputPath }
      const climbing = { ...plan, transformedPath: outputPath }
      const calls = [
        [{ ...forged, key: OTHER_KEY }, plan],
        [forged, plan],
        [attemptFor(climbing), climbing],
        [{ ...attemptFor(other), key: '' }, other],
        [forged, { ...plan, input: { rawPath, transformedPath: outputPath } }],
      ] as const
      for (const [attempt, given] of calls)
        for (const environment of [standalone(), undefined])
          expect(
            await world.harmless(ofBatch(plan, world.buckets), () =>
              world.bench.call(
                'deleteTemporaryFiles',
                [given, attempt],
                environment === undefined ? {} : { environment },
              ),
            ),
          ).toMatch(/^(InvalidInput|BatchInProgress)$/)
    }
  })

  test('through any activity by itself', async () => {
    const plan = await world.batch()
    const other = world.bench.plan({ rawPath: 'exports/raw-other' })
    const attempt = { ...attemptFor(other), key: OTHER_KEY }
    for (const given of [plan, other]) {
      const calls = {
        claimBatch: [given],
        releaseBatch: [given],
        describeRawFiles: [given],
        archiveRawFiles: [given],
        moveRawFilesToFailed: [given, { type: 'x', message: 'x', workflowId: OTHER_RUN }],
        loadTable: [given, attempt],
        claimTable: [given],
        claimTableIfFree: [given],
        releaseTable: [given],
        deleteClusterIfPresent: [{ key: OTHER_KEY }],
        removeEarlierClusters: [attempt],
        writeReceipt: [given, { runId: 'other', workflowId: OTHER_RUN, processedPath: '' }],
      }
      for (const [name, args] of Object.entries(calls)) {
        const environment = standalone()
        const outcome = await world.harmless(NOTHING, () =>
          world.bench.call(name as keyof typeof calls, args as never, { environment }),
        )
        expect([name, outcome]).toEqual([name, 'InvalidInput'])
      }
    }
  })

  test('by what a cluster says of itself', async () => {
    const { raw, processed } = world.buckets
    const ours = { pipeline: 'average-speed', deployment: 'test' }
    for (const [i, path] of outputsOf(world.buckets).entries()) {
      const key = `${i}`.padStart(32, 'c')
      await world.cluster(
        `average-speed-${key}`,
        { ...ours, attempt: key },
        {
          'average-speed-workflow-id': 'closed',
          'average-speed-namespace-id': NAMESPACE_ID,
          'average-speed-output-path': path || `gs://${processed}/archive/`,
        },
      )
    }
    const isOwn = (name: string) => /^average-speed-c+\d$/.test(name)
    expect(await world.harmless(isOwn, sweep)).toBe('done')
    expect(await contents(world.google.storage, `gs://${raw}/exports/transformed-other/`)).toHaveProperty([
      `${OTHER_KEY}/part-00000`,
    ])
  })

  test('by a cluster that bears the name of an open run whose own is gone', async () => {
    const plan = await world.batch()
    const attempt = attemptFor(plan)
    world.bench.open.add('average-speed/victim')
    await outputNotes(world.google.storage, world.bench.settings).add(attempt.key, {
      namespaceId: NAMESPACE_ID,
      owner: 'average-speed/victim',
      input: plan.input,
      loadId: 'average_speed_0123456789012345678901234567890123456789',
    })
    await world.put(`${attempt.outputPath.slice('gs://'.length)}part-00000`, 'rows')
    await world.cluster(
      attempt.clusterName,
      { pipeline: 'average-speed', deployment: 'test', attempt: attempt.key },
      { 'average-speed-workflow-id': 'closed', 'average-speed-namespace-id': NAMESPACE_ID },
    )
    expect(await world.harmless((name) => name === attempt.clusterName, sweep)).toBe('done')
  })

  test('by new labels on the clusters of others', async () => {
    const key = 'd'.repeat(32)
    const theirs: readonly (readonly [string, Record<string, string>])[] = [
      ['analytics', {}],
      [
        'average-speed-demo',
        { 'average-speed-workflow-id': 'closed', 'average-speed-namespace-id': NAMESPACE_ID },
      ],
      [
        `average-speed-${key}`,
        {
          'average-speed-workflow-id': 'closed',
          'average-speed-namespace-id': NAMESPACE_ID,
          'average-speed-deployment': 'other',
        },
      ],
    ]
    for (const [name, metadata] of theirs) {
      await world.cluster(name, {}, metadata)
      const labels = {
        pipeline: 'average-speed',
        deployment: 'test',
        attempt: name.replace('average-speed-', ''),
      }
      const [operation] = await world.google.clusters.updateCluster({
        ...world.where,
        clusterName: name,
        cluster: { labels },
        updateMask: { paths: ['labels'] },
      })
      await operation.promise()
    }
    expect(await world.harmless(NOTHING, sweep)).toBe('done')
    for (const target of ['analytics', 'demo', key]) {
      const remove = () =>
        world.bench.call('deleteClusterIfPresent', [{ key: target }], { workflowId: 'closed' })
      expect([target, await world.harmless(NOTHING, remove)]).toEqual([
        target,
        target === 'analytics' ? 'done' : 'ForeignCluster',
      ])
    }
  })
})
