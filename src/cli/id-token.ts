import { IdTokenClient, type IdTokenProvider } from 'google-auth-library'
import { googleCredentials } from '../google-credentials.ts'
import { firstLine } from '../printable.ts'
import { CliError, EXIT } from './exit-codes.ts'
import { federatedIdTokens, isFederated } from './federation.ts'

/** Gives the value of an Authorization header; asks for a new token only when the old one is about to expire. */
export type Authorize = () => Promise<string>

/** Longest wait for a token, in milliseconds. */
const TOKEN_TIMEOUT_MS = 30_000

/**
 * Finds the caller's credentials the way Google's libraries do, and makes ID tokens of them.
 * @param audience the IAP client id
 * @throws CliError (from the function that is returned) when there are no credentials, or no token for them
 */
export function idTokens(audience: string): Authorize {
  let client: Promise<IdTokenClient> | undefined
  return async () => {
    try {
      client ??= idTokenClient(audience)
      const headers = await inTime((await client).getRequestHeaders())
      return headers.get('authorization') ?? ''
    } catch (error) {
      client = undefined
      throw error instanceof CliError ? error : tokenError(error)
    }
  }
}

async function idTokenClient(targetAudience: string): Promise<IdTokenClient> {
  const { client, file } = await googleCredentials()
  const idTokenProvider = isFederated(file) ? federatedIdTokens(file) : client
  if (!canGiveIdTokens(idTokenProvider)) {
    throw new CliError(
      EXIT.notAllowed,
      'These credentials cannot give ID tokens. Set GOOGLE_APPLICATION_CREDENTIALS to a service-account or workload-identity file.',
    )
  }
  return new IdTokenClient({ targetAudience, idTokenProvider })
}

function canGiveIdTokens(client: object): client is IdTokenProvider {
  return 'fetchIdToken' in client
}

function inTime<T>(promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(new CliError(EXIT.unreachable, 'The token service did not answer in 30 seconds.')),
    TOKEN_TIMEOUT_MS,
  )
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

interface TokenError {
  readonly message?: string
  readonly code?: string | number
  readonly response?: { readonly status?: number; readonly data?: unknown }
}

function tokenError(error: unknown): CliError {
  const { message = String(error), response } = error as TokenError
  if (response === undefined && isNetworkError(error)) {
    return new CliError(EXIT.unreachable, `The token service cannot be reached: ${firstLine(message)}`, {
      cause: error,
    })
  }
  const reason = reasonOf(response?.data) ?? message
  return new CliError(EXIT.notAllowed, `No ID token could be had: ${firstLine(reason)}`, {
    cause: error,
    remedy:
      'Set GOOGLE_APPLICATION_CREDENTIALS to a service-account or workload-identity file that is valid.',
  })
}

function reasonOf(data: unknown): string | undefined {
  if (typeof data !== 'object' || data === null) return undefined
  const body = data as { error?: unknown; error_description?: unknown }
  if (typeof body.error_description === 'string') return body.error_description
  if (typeof body.error === 'object' && body.error !== null && 'message' in body.error) {
    return String(body.error.message)
  }
  return typeof body.error === 'string' ? body.error : undefined
}

const NETWORK_CODES = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|UND_ERR|EHOST|ENETUNREACH)/

/** True for what the network did, as opposed to what the other side answered. */
export function isNetworkError(error: unknown): boolean {
  for (let link = error; link instanceof Error; link = link.cause) {
    const code = (link as NodeJS.ErrnoException).code
    if (typeof code === 'string' && NETWORK_CODES.test(code)) return true
    if (link.name === 'TimeoutError' || link.message === 'fetch failed') return true
  }
  return false
}
