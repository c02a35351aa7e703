import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { callerOf } from '../authentication/plugin.ts'
import { errorHandler } from '../error-handler.ts'
import { refuseOtherMethods } from '../other-methods.ts'
import { type Places, taking } from '../places.ts'
import type { Runs } from '../runs/runs.ts'
import { whenGone } from '../when-gone.ts'
import { requireOurDag } from './dag-id.ts'
import { sharedLooks, type Watch } from './shared-looks.ts'
import { DagRunParams, StateSchema } from './stable-schemas.ts'
import { type DagRunState, dagRunStateOf } from './states.ts'
import { v2Dialect } from './v2-dialect.ts'

const Query = Type.Object(
  {
    interval: Type.Number({
      exclusiveMinimum: 0,
      maximum: 20,
      description: 'Seconds between two looks at the run; at least one is kept, and more while many wait.',
    }),
  },
  { additionalProperties: false },
)

/** What the route needs. */
export interface WaitOptions {
  readonly runs: Runs
  /** Each wait holds a connection. */
  readonly places: Places
  /** Longest wait in milliseconds; who still waits then is told that the run goes on, and may ask again. */
  readonly limitMs: number
}

/** Airflow 3's wait: one line of JSON with the run's state at every look, until it has ended or the limit is reached. */
export const waitRoute: FastifyPluginAsyncTypebox<WaitOptions> = async (app, { runs, places, limitMs }) => {
  app.setErrorHandler(errorHandler(v2Dialect.writeError))
  const done = refuseOtherMethods(app)
  // Told to stop, the gateway lets those who wait go; they ask again elsewhere.
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())
  const watch = sharedLooks(runs)

  app.get(
    '/dags/:dag_id/dagRuns/:dag_run_id/wait',
    {
      preHandler: taking(places),
      schema: {
        tags: [v2Dialect.tag],
        operationId: 'airflow3Wait',
        summary: 'Wait for the end of a run: a line of JSON with its state at every look',
        params: DagRunParams,
        querystring: Query,
        response: {
          200: {
            description:
              'Lines of JSON with the state; the last says running only if the wait grew too long.',
            content: {
              'application/x-ndjson': { schema: Type.Unsafe<Readable>(Type.String()) },
              'application/json': { schema: Type.Unsafe<Readable>(Type.Object({ state: StateSchema })) },
            },
          },
          ...v2Dialect.errors,
        },
      },
    },
    async (request, reply) => {
      const { params, query } = request
      requireOurDag(params.dag_id)
      const run = watch(callerOf(request), params.dag_run_id)
      const gone = new AbortController()
      whenGone(request, reply, () => {
        gone.abort()
        run.close()
      })
      const first = dagRunStateOf((await run.look()).status)
      const pause = Math.max(1, query.interval) * 1000
      const enough = AbortSignal.any([closing.signal, gone.signal, AbortSignal.timeout(limitMs)])
      const states = statesOf(run, first, pause, enough)
      return wantsOneDocument(request.headers.accept)
        ? reply.type('application/json').send(Readable.from(oneDocument(states)))
        : reply.type('application/x-ndjson').send(Readable.from(linesOf(states)))
    },
  )
  done()
}

/** The official client asks for JSON alone, and cannot read lines of it. */
function wantsOneDocument(accept = ''): boolean {
  return accept.includes('application/json') && !accept.includes('ndjson')
}

async function* statesOf(
  run: Watch,
  first: DagRunState,
  pause: number,
  signal: AbortSignal,
): AsyncGenerator<DagRunState> {
  let state = first
  yield state
  while ((state === 'queued' || state === 'running') && !signal.aborted) {
    await sleep(pause, undefined, { signal }).catch(() => undefined)
    state = dagRunStateOf((await run.look()).status)
    yield state
  }
}

async function* linesOf(states: AsyncIterable<DagRunState>): AsyncGenerator<string> {
  for await (const state of states) yield line(state)
}

/** Blank lines, which JSON allows before a document and which keep the connection from looking dead, then the end. */
async function* oneDocument(states: AsyncIterable<DagRunState>): AsyncGenerator<string> {
  let last: DagRunState = 'running'
  for await (const state of states) {
    last = state
    yield '\n'
  }
  yield line(last)
}

function line(state: string): string {
  return `${JSON.stringify({ state })}\n`
}
