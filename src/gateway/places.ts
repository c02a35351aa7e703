import type { FastifyReply, FastifyRequest } from 'fastify'
import { callerOf } from './authentication/plugin.ts'
import { tooMany, unavailable } from './problem.ts'
import { whenGone } from './when-gone.ts'

/** How many requests of a kind may be under way at once. */
export interface PlaceLimits {
  readonly perCaller: number
  readonly inAll: number
}

/** Seconds after which a caller may try again when all places are taken. */
const RETRY_AFTER_SECONDS = 5

/** Places for requests that hold the gateway or Temporal for long. */
export interface Places {
  /** How many are taken. */
  readonly taken: () => number
  /**
   * Takes one, at once or not at all.
   * @returns gives it back; every call after the first does nothing
   * @throws Problem 429 when the caller has all of its own, 503 when there are no more for anybody
   */
  take(caller: string): () => void
}

/** @param what names the requests, in the plural: `waits` */
export function createPlaces(what: string, { perCaller, inAll }: PlaceLimits): Places {
  const own = new Map<string, number>()
  let all = 0
  return {
    taken: () => all,
    take(caller) {
      const before = own.get(caller) ?? 0
      if (before >= perCaller) {
        throw tooMany(`Too many ${what} at once: at most ${perCaller} of one caller.`, RETRY_AFTER_SECONDS)
      }
      if (all >= inAll) {
        throw unavailable(
          `The gateway has no place for more ${what}. Try again shortly.`,
          RETRY_AFTER_SECONDS,
        )
      }
      own.set(caller, before + 1)
      all += 1
      let isTaken = true
      return () => {
        if (!isTaken) return
        isTaken = false
        all -= 1
        const left = (own.get(caller) ?? 1) - 1
        if (left === 0) own.delete(caller)
        else own.set(caller, left)
      }
    },
  }
}

/** A hook that lets a request of an authenticated route have a place until it is answered, or its caller goes away. */
export function taking(places: Places) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    whenGone(request, reply, places.take(callerOf(request).email))
  }
}
