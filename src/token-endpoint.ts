import type { AuthClient } from 'google-auth-library'

/** What the library asks for a service account's token, whatever its key file says. */
const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token'

/**
 * Makes a service account's client ask the token endpoint that its key file names (`token_uri`), as Google's libraries for
 * other languages do; Node's has Google's own address built in.
 */
export function honourTokenUri(client: AuthClient, credentials: unknown): void {
  const tokenUri = (credentials as { token_uri?: unknown } | null)?.token_uri
  if (typeof tokenUri !== 'string' || tokenUri === GOOGLE_TOKEN_URL) return
  client.transporter.interceptors.request.add({
    resolved: async (request) =>
      request.url.href === GOOGLE_TOKEN_URL ? { ...request, url: new URL(tokenUri) } : request,
  })
}
