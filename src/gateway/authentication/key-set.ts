import {
  createLocalJWKSet,
  createRemoteJWKSet,
  type ExportedJWKSCache,
  errors,
  type FlattenedJWSInput,
  type JWKSCacheInput,
  type JWSHeaderParameters,
  jwksCache,
} from 'jose'

/** Finds the public key of a token. */
export type KeyFinder = (
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
) => ReturnType<ReturnType<typeof createRemoteJWKSet>>

/** Times of a key set, in milliseconds. */
export interface KeySetTimes {
  /** Longest wait for the keys' host. */
  readonly timeout: number
  /** Age at which keys are fetched anew. */
  readonly maxAge: number
  /** How long a token with an unknown key does not lead to another fetch. */
  readonly cooldown: number
  /** How long keys are used while their host does not answer, from when they were last fetched. */
  readonly maxStaleAge: number
  /** How long a host that did not answer is left alone. */
  readonly pause: number
}

/** Google rotates its keys every few days and publishes new ones ahead of use, so half a day of old keys is safe. */
export const KEY_SET_TIMES: KeySetTimes = {
  timeout: 3_000,
  maxAge: 10 * 60_000,
  cooldown: 30_000,
  maxStaleAge: 12 * 3_600_000,
  pause: 10_000,
}

/** Says that the keys cannot be had, so that no token can be judged. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
}

/**
 * The keys at a URL, cached. While their host is away the old ones serve for a bounded time, without waiting for the host
 * at every request; when it is back the next fetch after a short pause renews them.
 * @throws KeysUnavailableError (from the finder) when there are none, or they are too old
 */
export function createKeySet(url: URL, times: KeySetTimes = KEY_SET_TIMES): KeyFinder {
  // jose keeps here when it last fetched the keys.
  const cache: Partial<ExportedJWKSCache> = {}
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: times.timeout,
    cacheMaxAge: times.maxAge,
    cooldownDuration: times.cooldown,
    [jwksCache]: cache as JWKSCacheInput,
  })
  let failedAt = Number.NEGATIVE_INFINITY

  return async (header, token) => {
    if (Date.now() < failedAt + times.pause) return old(header, token)
    try {
      return await remote(header, token)
    } catch (error) {
      if (isAboutTheToken(error)) throw error
      failedAt = Date.now()
      return old(header, token, error)
    }
  }

  async function old(header: JWSHeaderParameters, token: FlattenedJWSInput, cause?: unknown) {
    const keys = remote.jwks()
    if (keys === undefined || Date.now() > (cache.uat ?? 0) + times.maxStaleAge) {
      throw new KeysUnavailableError('The keys of tokens cannot be had.', { cause })
    }
    return createLocalJWKSet(keys)(header, token)
  }
}

function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  )
}
