import { setTimeout as sleep } from 'node:timers/promises'
import type { RunJson, RunSummaryJson } from '../gateway/schemas/run.ts'
import type { RunListJson } from '../gateway/schemas/run-list.ts'
import type { RunConf } from '../gateway/schemas/run-request.ts'
import { firstLine } from '../printable.ts'
import { CliError, EXIT, type ExitCode } from './exit-codes.ts'
import { type Authorize, isNetworkError } from './id-token.ts'

/** What a run is started with; the run id is always given, so that a start can be sent again. */
export type StartBody = RunConf & { readonly run_id: string }

/** The gateway's native API. Every method throws `CliError`. */
export interface Gateway {
  start(body: StartBody): Promise<RunSummaryJson>
  get(runId: string): Promise<RunJson>
  list(query: ListQuery): Promise<RunListJson>
  cancel(runId: string): Promise<RunSummaryJson>
  retry(runId: string): Promise<RunSummaryJson>
}

/** Query of GET /runs; what is undefined is left out. */
export type ListQuery = Readonly<Record<'limit', string>> &
  Readonly<
    Record<
      'status' | 'started_by' | 'raw_path' | 'started_after' | 'started_before' | 'cursor',
      string | undefined
    >
  >

/** How the gateway is reached. */
export interface GatewayOptions {
  readonly baseUrl: string
  readonly authorize: Authorize
}

const REQUEST_TIMEOUT_MS = 30_000
const ATTEMPTS = 4
const MAX_PAUSE_MS = 10_000

/** A client of the gateway that tries again when it is away for a moment. */
export function gatewayClient({ baseUrl, authorize }: GatewayOptions): Gateway {
  const call = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await withRetries(() => send(method, path, body))
    return (await response.json()) as T
  }
  const send = async (method: string, path: string, body?: object): Promise<Response> => {
    const headers = { authorization: await authorize(), accept: 'application/json' }
    const url = new URL(`${baseUrl}${path}`)
    return fetch(url, {
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
  }
  return {
    start: (body) => call('POST', '/runs', body),
    get: (runId) => call('GET', pathOf(runId)),
    list: (query) => call('GET', `/runs?${parametersOf(query)}`),
    cancel: (runId) => call('POST', `${pathOf(runId)}/cancel`),
    retry: (runId) => call('POST', `${pathOf(runId)}/retry`),
  }

  async function withRetries(request: () => Promise<Response>): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt === ATTEMPTS
      try {
        const response = await request()
        if (response.ok) return response
        if (last || !isPassing(response.status)) throw await replyError(response, baseUrl)
        await response.body?.cancel()
        await sleep(pauseOf(response, attempt))
      } catch (error) {
        if (error instanceof CliError) throw error
        if (last || !isNetworkError(error)) throw unreachable(error, baseUrl)
        await sleep(pauseOf(undefined, attempt))
      }
    }
  }
}

function pathOf(runId: string): string {
  return `/runs/${encodeURIComponent(runId)}`
}

function parametersOf(query: ListQuery): URLSearchParams {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return new URLSearchParams(given)
}

function isPassing(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504
}

function pauseOf(response: Response | undefined, attempt: number): number {
  const asked = Number(response?.headers.get('retry-after') ?? Number.NaN) * 1000
  return Math.min(Number.isNaN(asked) ? 250 * 2 ** attempt : asked, MAX_PAUSE_MS)
}

function unreachable(error: unknown, baseUrl: string): CliError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
  return new CliError(
    EXIT.unreachable,
    `The gateway at ${baseUrl} cannot be reached: ${cause}. Check --url, and that the gateway runs.`,
    { cause: error },
  )
}

async function replyError(response: Response, baseUrl: string): Promise<CliError> {
  if (response.status >= 300 && response.status < 400) {
    return new CliError(
      EXIT.notAllowed,
      `The gateway at ${baseUrl} sends to a login page. Check that --iap-client-id is the client id of its Identity-Aware Proxy.`,
    )
  }
  const { status } = response
  const isOurs = /json/.test(response.headers.get('content-type') ?? '')
  const detail = await detailOf(response)
  // A gateway's own sentence says all; what else answers there may know only the status.
  const sentence = isOurs
    ? (detail ?? `The gateway answered ${status}.`)
    : `${baseUrl} answered ${status}${detail === undefined ? '' : `: ${detail}`}. Check that --url is the gateway.`
  return new CliError(exitCodeOf(status), sentence)
}

async function detailOf(response: Response): Promise<string | undefined> {
  const text = await response.text().catch(() => '')
  try {
    const { detail, error } = JSON.parse(text) as { detail?: unknown; error?: unknown }
    const said = [detail, error].find((value) => typeof value === 'string')
    return said === undefined ? undefined : firstLine(said)
  } catch {
    // Identity-Aware Proxy and load balancers answer in plain words.
    const line = firstLine(text)
    return line === '' || line.startsWith('<') ? undefined : line.slice(0, 300)
  }
}

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.notAllowed
  if (isPassing(status) || status >= 500) return EXIT.unreachable
  return EXIT.usage
}
