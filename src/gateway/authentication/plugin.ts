import type { FastifyInstance, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { AuthenticationConfig } from '../../config.ts'
import { Problem, tooMany } from '../problem.ts'
import { createKeySet, type KeySetTimes } from './key-set.ts'
import { isPlausible } from './plausible-token.ts'
import { type Caller, verifyToken } from './verify-token.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request; undefined on routes that are open to all. */
    caller: Caller | undefined
  }
}

/** What the plugin needs. */
export interface AuthenticationOptions {
  readonly authentication: AuthenticationConfig
  /** Requests without an accepted caller that one address may send in a minute. */
  readonly refusalsPerMinute: number
  readonly keySetTimes?: KeySetTimes
}

/**
 * Demands a proof of identity for every route of the scope in which it is registered. One mode counts: behind IAP only
 * its assertion is read, for anybody can send an Authorization header.
 *
 * Each refusal counts against the address that it came from. From one that has used its refusals up, a token is verified
 * only if it says that it is an accepted caller's, and every further refusal is a 429. Behind a proxy many share an address,
 * so the limit never keeps an accepted caller out; nor is a header believed that says which address it was.
 */
export const authentication = fastifyPlugin(
  async (app: FastifyInstance, options: AuthenticationOptions) => {
    const config = options.authentication
    const findKey = createKeySet(new URL(config.jwksUrl), options.keySetTimes)
    const tokenOf = config.mode === 'iap' ? assertionOf : bearerTokenOf
    const max = options.refusalsPerMinute
    const refusals = app.createRateLimit({ max, timeWindow: '1 minute' })

    async function identify(request: FastifyRequest, isLimited: boolean): Promise<Caller> {
      const token = tokenOf(request)
      if (isLimited && !isPlausible(token, config)) throw missing('The token is not an accepted caller’s.')
      return verifyToken(token, config, findKey)
    }

    app.addHook('onRequest', async (request) => {
      const before = await refusals(request, { increment: false })
      const isLimited = !before.isAllowed && before.remaining === 0
      try {
        request.caller = await identify(request, isLimited)
      } catch (error) {
        if (!(error instanceof Problem) || error.status >= 500) throw error
        const after = await refusals(request)
        if (!isLimited || after.isAllowed) throw error
        throw tooMany(
          `Too many requests without an accepted caller: at most ${max} a minute from one address.`,
          after.ttlInSeconds,
          error,
        )
      }
    })
  },
  { name: 'authentication' },
)

/** The caller of an authenticated route. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === undefined) throw new Error('The route is not authenticated.')
  return request.caller
}

function bearerTokenOf(request: FastifyRequest): string {
  const header = request.headers.authorization
  if (header === undefined || header.trim() === '') {
    throw missing('Send a Google ID token in the Authorization header: Bearer <token>.')
  }
  const token = /^Bearer +(\S+)$/i.exec(header.trim())?.[1]
  if (token === undefined) throw missing('The Authorization header must be: Bearer <Google ID token>.')
  return token
}

function assertionOf(request: FastifyRequest): string {
  const assertion = request.headers['x-goog-iap-jwt-assertion']
  if (typeof assertion !== 'string' || assertion === '') {
    throw missing('The request did not come through Identity-Aware Proxy: its assertion is missing.')
  }
  return assertion
}

// RFC 6750: a request without any credentials gets a challenge without an error code.
function missing(sentence: string): Problem {
  return new Problem(401, sentence, { headers: { 'www-authenticate': 'Bearer' } })
}
