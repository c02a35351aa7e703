import type { CallCounts } from '../control/call-counts.ts'
import type { Fault, FaultMoment, FaultTable, StruckCall } from '../control/faults.ts'
import { errorBody, StorageError } from './errors.ts'
import { emptyReply, jsonReply, type StorageReply, type StorageRequest } from './http.ts'
import { type RoutedCall, route } from './routes.ts'
import type { StorageState } from './state.ts'

/** The connection is to be closed without an answer. */
export class Dropped extends Error {}

/** One call with its faults: `before` strikes when the request is read, `after` when its effect is committed. */
export async function answerCall(
  state: StorageState,
  faults: FaultTable,
  calls: CallCounts,
  request: StorageRequest,
  via?: string,
): Promise<StorageReply> {
  let routed: RoutedCall
  try {
    routed = route(request)
  } catch (error) {
    return errorReply(error)
  }
  const call = { name: routed.call, subject: decode(`${request.path}?${request.query}`), via }
  calls.count(call)
  const before = await strike(faults, call, 'before')
  if (before !== undefined) return before
  const reply = answerOrError(() => routed.answer(state, request))
  return (await strike(faults, call, 'after')) ?? reply
}

async function strike(
  faults: FaultTable,
  call: StruckCall,
  when: FaultMoment,
): Promise<StorageReply | undefined> {
  const fault = await faults.strike(call, when)
  if (fault === undefined) return undefined
  if (fault.kind === 'drop') throw new Dropped()
  return faultReply(fault)
}

/** Default: 503 `backendError`, which every official client retries. */
function faultReply({ code, reason, message }: Fault): StorageReply {
  const status = typeof code === 'number' ? code : 503
  return jsonReply(errorBody(status, reason ?? 'backendError', message ?? 'Backend Error'), status)
}

function answerOrError(answer: () => StorageReply): StorageReply {
  try {
    return answer()
  } catch (error) {
    return errorReply(error)
  }
}

/** What is not a refusal is a fault of the stand-in itself; its text helps whoever is testing. */
export function errorReply(error: unknown): StorageReply {
  if (!(error instanceof StorageError)) return jsonReply(errorBody(500, 'internalError', String(error)), 500)
  if (error.status === 304) return emptyReply(304)
  return jsonReply(errorBody(error.status, error.reason, error.message), error.status)
}

/** The text that a fault's `match` is looked for in. */
function decode(url: string): string {
  try {
    return decodeURIComponent(url.replaceAll('+', ' '))
  } catch {
    return url
  }
}
