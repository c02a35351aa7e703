import { expect, test } from '@jest/globals'
import { ApplicationFailure } from '@temporalio/activity'
import { moveObjects } from '../../activities/moves.ts'
import type { Entry } from '../../activities/objects.ts'
import { OwnFolder } from '../../activities/storage/own-folder.ts'
import { activityEnvironment } from '../support/activities.ts'
import { type Actor, inEveryOrder, type Step } from './interleavings.ts'
import { type StorageModel, storageModel } from './storage-model.ts'

const BUCKETS = ['exports', 'processed']
const FOLDERS = {
  raw: new OwnFolder('raw', 'gs://exports/raw-1/', BUCKETS),
  failed: new OwnFolder('failed', 'gs://exports/failed-1/', BUCKETS),
  archive: new OwnFolder('archive', 'gs://processed/processed_date=2019-03-01/raw-1/', BUCKETS),
}
type Place = keyof typeof FOLDERS
// One for all: its making takes longer than a whole order of calls.
const environment = activityEnvironment()
const placeOf = (place: Place): string => `${FOLDERS[place].uri.slice('gs://'.length)}a.json`

/** One move of the batch's file from one folder to another: a look at the folder, and then what it has seen is moved. */
interface Move {
  readonly from: Place
  readonly to: Place
}

/** A worker that makes its moves one after the other. */
interface Worker {
  readonly moves: readonly Move[]
  /** One whose execution has ended gives up at the first failure; the other tries again, as Temporal has it do. */
  readonly isLive?: boolean
  /** The first call of this kind takes effect, its reply is lost, and the client sends it again. */
  readonly loses?: string
}

function actorOf(model: StorageModel, { moves, isLive, loses }: Worker): Actor {
  return async (turn) => {
    const lost = new Set<string>()
    const storage = model.client(turn)
    const again = (call: string): boolean => call === loses && !lost.has(call) && lost.add(call).size > 0
    const bucket = storage.bucket.bind(storage)
    // The client repeats what is lost, so a loss is one more call with the same arguments.
    const repeating = new Proxy(storage, {
      get: () => (name: string) => {
        const real = bucket(name)
        const request = async (options: never) => {
          const reply = await real.request(options)
          return again('rewrite') ? real.request(options) : reply
        }
        const file = (object: string) => {
          const found = real.file(object)
          const remove = async (options: never) => {
            await found.delete(options)
            if (again('delete')) await found.delete(options)
          }
          return { ...found, bucket: { ...real, request, file }, delete: remove }
        }
        return { ...real, request, file }
      },
    })
    for (const { from, to } of moves) {
      for (let tries = 1; ; tries++) {
        // One that was frozen has looked before all others began.
        if (isLive) await turn('list')
        const seen = model.objects.get(placeOf(from))
        const object = seen && {
          generation: String(seen.generation),
          size: seen.bytes.length,
          crc32c: seen.bytes,
        }
        const entries: Entry[] = object
          ? [{ name: 'a.json', object: { name: placeOf(from), ...object } }]
          : []
        const route = { from: FOLDERS[from], to: FOLDERS[to] }
        try {
          await environment.run(() => moveObjects(repeating, route, entries))
          break
        } catch (error) {
          if (!(error instanceof ApplicationFailure)) throw error
          if (!isLive || error.nonRetryable || tries === 2) return
        }
      }
    }
  }
}

/** Makes the moves in every order. @param at where the file is at first @returns how many orders there were */
function neverLost(at: readonly Place[], workers: readonly Worker[]): Promise<number> {
  return inEveryOrder(() => {
    const model = storageModel()
    for (const place of at) model.put(placeOf(place), 'bytes')
    const afterStep = (steps: readonly Step[]): void => {
      if (model.objects.size > 0) return
      throw new Error(`Lost by ${steps.map(({ actor, call }) => `${actor}:${call}`).join(' ')}`)
    }
    return { actors: workers.map((worker) => actorOf(model, worker)), afterStep }
  })
}

const TO_FAILED: Move = { from: 'raw', to: 'failed' }
const BACK: Move = { from: 'failed', to: 'raw' }
const ARCHIVE: Move = { from: 'raw', to: 'archive' }
const BACK_FROM_ARCHIVE: Move = { from: 'archive', to: 'raw' }

test.each<[string, readonly Place[], readonly Worker[]]>([
  [
    'a move to failed by a move back and the archive',
    ['raw'],
    [{ moves: [TO_FAILED] }, { moves: [BACK, ARCHIVE], isLive: true }],
  ],
  [
    'a move back by another one and a move to failed',
    ['failed'],
    [{ moves: [BACK] }, { moves: [BACK, TO_FAILED], isLive: true }],
  ],
  [
    'an archive by a reload that takes the files back',
    ['raw'],
    [{ moves: [ARCHIVE] }, { moves: [BACK_FROM_ARCHIVE, ARCHIVE], isLive: true }],
  ],
  [
    'a move that had stopped half-way',
    ['raw', 'failed'],
    [{ moves: [TO_FAILED] }, { moves: [BACK], isLive: true }],
  ],
  [
    'two frozen movers by a third',
    ['raw'],
    [{ moves: [TO_FAILED] }, { moves: [ARCHIVE] }, { moves: [BACK], isLive: true }],
  ],
  [
    'a move whose copy is sent twice',
    ['raw'],
    [
      { moves: [TO_FAILED], loses: 'rewrite' },
      { moves: [BACK, ARCHIVE], isLive: true },
    ],
  ],
  [
    'a move by one whose copy is sent twice',
    ['raw', 'failed'],
    [{ moves: [TO_FAILED] }, { moves: [BACK], isLive: true, loses: 'rewrite' }],
  ],
  [
    'a move whose delete is sent twice',
    ['raw', 'failed'],
    [
      { moves: [TO_FAILED], loses: 'delete' },
      { moves: [BACK], isLive: true },
    ],
  ],
])('row 4: the last copy is never deleted: %s, in every order of their calls', async (_, at, workers) => {
  // Fewer would mean that the movers did not meet.
  expect(await neverLost(at, workers)).toBeGreaterThan(20)
})

test('row 4: a single mover still gets the file there, with one copy and one delete', async () => {
  const model = storageModel()
  model.put(placeOf('raw'), 'bytes')
  const calls: string[] = []
  await actorOf(model, { moves: [ARCHIVE], isLive: true })(async (call) => {
    calls.push(call)
  })
  expect(calls).toEqual(['list', 'rewrite', 'delete'])
  expect([...model.objects.keys()]).toEqual([placeOf('archive')])
})

test('row 4: what is copied is the file that was seen, and not what came in its place', async () => {
  const model = storageModel()
  model.put(placeOf('raw'), 'bytes')
  await actorOf(model, { moves: [ARCHIVE], isLive: true })(async (call) => {
    if (call === 'rewrite') model.put(placeOf('raw'), 'other')
  })
  expect([...model.objects.values()].map(({ bytes }) => bytes)).toEqual(['other'])
})

test('row 4: a copy in several calls is tied in each of them to what it may replace', async () => {
  const model = storageModel()
  model.put(placeOf('raw'), 'many bytes')
  let copies = 0
  await actorOf(model, { moves: [ARCHIVE], isLive: true })(async (call) => {
    if (call === 'rewrite' && ++copies === 2) model.put(placeOf('archive'), "another's")
  })
  expect(model.objects.get(placeOf('archive'))?.bytes).toBe("another's")
  expect(model.objects.has(placeOf('raw'))).toBe(true)
})
