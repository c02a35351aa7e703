import { JOB_MOMENTS, type Moment, nameOfMoment } from './moments.ts'
import type { Choices } from './random.ts'

/** What strikes a run. Those with `callEnds` hold a call, act, and let the call go on or drop it. */
export type Blow =
  | { readonly kind: 'kill-worker' | 'stop-worker'; readonly callEnds: 'go' | 'drop' }
  | { readonly kind: 'restart-temporal' | 'kill-temporal'; readonly callEnds: 'go' | 'drop' }
  | { readonly kind: 'cancel' | 'terminate'; readonly callEnds: 'go' | 'drop' }
  | {
      readonly kind: 'reset'
      readonly callEnds: 'go' | 'drop'
      /** Chooses among the points to which the run can be reset by then. */
      readonly point: number
    }
  | { readonly kind: 'sweep'; readonly callEnds: 'go' | 'drop' }
  | {
      readonly kind: 'cluster-error' | 'cluster-vanish' | 'job-error' | 'job-cancelled' | 'job-vanish'
      readonly callEnds: 'go' | 'drop'
    }
  | { readonly kind: 'drop'; readonly times: number }
  | { readonly kind: 'error'; readonly code: string | number; readonly times: number }
  | { readonly kind: 'stockout' | 'boot-failure' | 'quota'; readonly times: number }
  | { readonly kind: 'load-error'; readonly reason: string; readonly times: number }

export type BlowKind = Blow['kind']

/** A blow and its moment; some blows have their own, such as a stockout, which strikes a creation. */
export interface Strike {
  readonly blow: Blow
  readonly moment?: Moment
}

const GRPC_CODES = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED', 'INTERNAL', 'ABORTED'] as const
const HTTP_CODES = [429, 500, 503] as const

const WEIGHTS: Readonly<Record<BlowKind, number>> = {
  'kill-worker': 20,
  'stop-worker': 8,
  'restart-temporal': 3,
  'kill-temporal': 3,
  drop: 12,
  error: 18,
  cancel: 10,
  terminate: 10,
  reset: 10,
  sweep: 2,
  stockout: 3,
  quota: 2,
  'boot-failure': 3,
  'cluster-error': 3,
  'cluster-vanish': 3,
  'job-error': 3,
  'job-cancelled': 2,
  'job-vanish': 2,
  'load-error': 3,
}

/** Blows that hit every run on the server, so they have a phase of their own. */
export const SHARED: ReadonlySet<BlowKind> = new Set<BlowKind>(['restart-temporal', 'kill-temporal'])

/** Chooses what kind of blow strikes. */
export function chooseKind(choices: Choices): BlowKind {
  return choices.weighted(WEIGHTS)
}

/** Blows that may end the run, so that no later one can strike it. */
export const ENDING: ReadonlySet<BlowKind> = new Set<BlowKind>([
  'cancel',
  'terminate',
  'stockout',
  'quota',
  'boot-failure',
  'job-error',
  'job-cancelled',
  'load-error',
])

/** How far a run is when a strike falls. */
export function stageOf({ blow, moment }: Strike): number {
  // A creation's own failures, and a load's.
  return moment?.stage ?? (blow.kind === 'load-error' ? 6 : 3)
}

/**
 * Chooses the rest of a blow, and its moment.
 * @param moments those that the struck run has
 * @param misses how often the blow has missed: each time the next moment is taken
 */
export function chooseStrike(
  kind: BlowKind,
  choices: Choices,
  moments: readonly Moment[],
  misses: number,
): Strike {
  const moment = (among: readonly Moment[]): Moment => {
    const chosen = choices.shuffled(among, nameOfMoment)[misses % among.length]
    if (chosen === undefined) throw new Error('There are no moments to choose from.')
    return chosen
  }
  const calls = moments.filter(({ service }) => service !== 'temporal')
  const callEnds = choices.pick(['go', 'drop'] as const)
  switch (kind) {
    case 'drop':
      return { blow: { kind, times: choices.pick([1, 1, 2, 4]) }, moment: moment(calls) }
    case 'error': {
      const at = moment(calls)
      const code = choices.pick<string | number>(at.service === 'dataproc' ? GRPC_CODES : HTTP_CODES)
      return { blow: { kind, code, times: choices.pick([1, 2, 4]) }, moment: at }
    }
    case 'stockout':
    case 'boot-failure':
      return { blow: { kind, times: choices.pick([1, 2]) } }
    case 'quota':
      return { blow: { kind, times: 1 } }
    case 'load-error':
      return { blow: { kind, reason: choices.pick(['backendError', 'invalid']), times: 1 } }
    case 'cluster-error':
    case 'cluster-vanish':
    case 'job-error':
    case 'job-cancelled':
    case 'job-vanish':
      return { blow: { kind, callEnds: 'go' }, moment: moment(JOB_MOMENTS) }
    case 'reset':
      return { blow: { kind, callEnds, point: choices.below(1000) }, moment: moment(moments) }
    default:
      return { blow: { kind, callEnds }, moment: moment(moments) }
  }
}

/** As in `error 503 ×2`. */
export function nameOfBlow(blow: Blow): string {
  const code = 'code' in blow ? ` ${blow.code}` : 'reason' in blow ? ` ${blow.reason}` : ''
  const times = 'times' in blow && blow.times > 1 ? ` ×${blow.times}` : ''
  return `${blow.kind}${code}${times}${'callEnds' in blow && blow.callEnds === 'drop' ? ', call dropped' : ''}`
}
