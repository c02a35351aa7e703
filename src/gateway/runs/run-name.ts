import { randomBytes } from 'node:crypto'
import { keyedDigest } from '../keyed-digest.ts'
import type { Scope } from './scope.ts'

/** The id that a run is to have, by where it comes from. */
export type RunName =
  /** Sent by the caller: this one or none. */
  | { readonly given: string }
  /** Made of a date that the caller sent: a repeat names the same run. */
  | { readonly ofDate: string }
  /** Made of the moment of the request: a run of its own, whoever has started another at that moment. */
  | { readonly ofMoment: string }

/**
 * The ids under which a run may be started, first the one that clients expect. Where somebody else was faster, a made id
 * gives way to one that nobody but the gateway can tell beforehand.
 */
export function idsFor(name: RunName, scope: Scope): readonly string[] {
  if ('given' in name) return [name.given]
  if ('ofDate' in name) return idsOfDate(name.ofDate, scope)
  return [...idsOfDate(name.ofMoment, scope), `${name.ofMoment}_${randomBytes(8).toString('hex')}`]
}

/** The ids that the caller's run of a date may have; the same every time, so that a repeat finds it. */
export function idsOfDate(usual: string, { secret, deployment, caller }: Scope): readonly string[] {
  const own = keyedDigest(secret, 'run id', deployment, caller.email, usual).toString('hex').slice(0, 16)
  return [usual, `${usual}_${own}`]
}
