import { randomUUID } from 'node:crypto'
import { Client, Connection } from '@temporalio/client'
import pMap from 'p-map'
import { startOptions } from '../src/gateway/runs/start-options.ts'
import { Control } from '../test/support/control.ts'
import { startCloud } from '../test/support/local-cloud.ts'
import type { Bench, Outcome } from './support/bench.ts'
import { quantile, summaryOf } from './support/statistics.ts'

const ROUNDS = 12
const PER_ROUND = 200
const AT_ONCE = 16
const GOAL_RATE = 0.85
const GOAL_P99 = 1.5

/** Latencies of one round, and how long all of it took. */
interface Round {
  readonly latencies: readonly number[]
  readonly perSecond: number
}

/** POSTs to a gateway process, against bare starts with the same options; in turns, before one Temporal without a worker. */
export const gatewayPost: Bench = {
  name: 'gateway-post',
  question: 'what does the gateway cost beside a bare start of the workflow?',
  async run(say): Promise<Outcome> {
    // Read by the gateway, a child of this process.
    process.env['GATEWAY_REQUESTS_PER_MINUTE'] = '1000000'
    const cloud = await startCloud({
      services: ['storage', 'identity', 'temporal', 'dataproc', 'bigquery', 'gateway'],
    })
    const connection = await Connection.connect({ address: cloud.get('TEMPORAL_ADDRESS') })
    try {
      const client = new Client({ connection })
      const identity = new Control(cloud.get('IDENTITY_CONTROL_URL'))
      const claims = { aud: cloud.get('IAP_CLIENT_ID') }
      const { token } = await identity.post('/mint', { kind: 'google', claims })
      const rawPath = `gs://${cloud.get('RAW_BUCKET')}/bench/raw-2019-03-01T000000/`
      const post = async (runId: string): Promise<void> => {
        const reply = await fetch(`${cloud.get('GATEWAY_URL')}/runs`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ run_id: runId, raw_path: rawPath }),
        })
        if (reply.status !== 202)
          throw new Error(`The gateway answered ${reply.status}: ${await reply.text()}`)
        await reply.arrayBuffer()
      }
      const deployment = {
        deployment: 'default',
        taskQueue: 'average-speed',
        secret: cloud.get('GATEWAY_SECRET'),
      }
      const bare = async (runId: string): Promise<void> => {
        const request = { runId, input: { rawPath }, startedBy: 'bench@example.com' }
        await client.workflow.start('averageSpeed', startOptions(request, deployment))
      }
      const rounds: { posts: Round; starts: Round }[] = []
      for (let round = -1; round < ROUNDS; round++) {
        const both = { starts: await roundOf(bare), posts: await roundOf(post) }
        if (round >= 0) rounds.push(both)
        if (round % 4 === 0) say(`${round} of ${ROUNDS} rounds`)
      }
      const latencies = (which: 'posts' | 'starts') => rounds.flatMap((both) => both[which].latencies)
      const rates = (which: 'posts' | 'starts') => summaryOf(rounds.map((both) => both[which].perSecond))
      const rate = rates('posts').median / rates('starts').median
      const p99 = quantile(latencies('posts'), 0.99) / quantile(latencies('starts'), 0.99)
      return {
        series: [
          { name: 'POST /runs, rate', unit: '1/s', ...rates('posts') },
          { name: 'bare start, rate', unit: '1/s', ...rates('starts') },
          { name: 'POST /runs, latency', unit: 'ms', ...summaryOf(latencies('posts')) },
          { name: 'bare start, latency', unit: 'ms', ...summaryOf(latencies('starts')) },
        ],
        verdicts: [
          { goal: `at least ${GOAL_RATE} of its rate`, seen: rate.toFixed(2), met: rate >= GOAL_RATE },
          { goal: `p99 at most ${GOAL_P99} ×`, seen: `${p99.toFixed(2)} ×`, met: p99 <= GOAL_P99 },
        ],
        notes: [
          `${AT_ONCE} at once, ${ROUNDS} rounds of ${PER_ROUND} each in turns; every answer was looked at.`,
        ],
      }
    } finally {
      await connection.close()
      await cloud.close()
    }
  },
}

async function roundOf(start: (runId: string) => Promise<void>): Promise<Round> {
  const began = performance.now()
  const latencies = await pMap(
    Array.from({ length: PER_ROUND }),
    async () => {
      const started = performance.now()
      await start(randomUUID())
      return performance.now() - started
    },
    { concurrency: AT_ONCE },
  )
  return { latencies, perSecond: PER_ROUND / ((performance.now() - began) / 1000) }
}
