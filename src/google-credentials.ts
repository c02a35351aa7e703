import { readFileSync } from 'node:fs'
import { type AuthClient, GoogleAuth } from 'google-auth-library'
import { credentialUrlFault } from './endpoints.ts'

/** What the library asks for a service account's token, whatever its key file says. */
const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token'

// Where a cloud tells its own machines who they are; it is plain http everywhere, and reaches no other machine:
// https://cloud.google.com/iam/docs/workload-identity-federation-with-other-clouds
const METADATA_HOSTS = ['169.254.169.254', '[fd00:ec2::254]', 'metadata.google.internal']

/** The application's default credentials. */
export interface GoogleCredentials {
  readonly client: AuthClient
  /** The content of their file; nothing where they come from elsewhere. */
  readonly file: unknown
  /** E-mail address of a service account that has a key. */
  account(): Promise<string | undefined>
}

/**
 * Finds the application's default credentials, the way Google's libraries do.
 * @throws Error when there are none, or their file would have them sent where others can read them
 */
export async function googleCredentials(scopes: readonly string[] = []): Promise<GoogleCredentials> {
  // Without a project the library would look for one, for federated credentials by another API of Google's; tokens need none.
  const auth = new GoogleAuth({ projectId: 'none', ...(scopes.length > 0 && { scopes: [...scopes] }) })
  const client = await auth.getClient()
  const [fault] = urlFaults(auth.jsonContent)
  if (fault !== undefined) throw new Error(`The credentials' file names ${fault}.`)
  guardTransport(client, auth.jsonContent)
  return { client, file: auth.jsonContent, account: async () => (await auth.getCredentials()).client_email }
}

/**
 * Keeps a client from following redirects, which would take a key or a token to a host that nobody named, and makes a
 * service account's client ask the token endpoint that its key file names (`token_uri`), as Google's libraries for other
 * languages do; Node's has Google's own address built in.
 */
export function guardTransport(client: AuthClient, file: unknown): void {
  const tokenUri = (file as { token_uri?: unknown } | null)?.token_uri
  client.transporter.interceptors.request.add({
    resolved: async (request) => {
      const isToken = request.url.href === GOOGLE_TOKEN_URL && typeof tokenUri === 'string'
      return { ...request, redirect: 'error' as const, url: isToken ? new URL(tokenUri) : request.url }
    },
  })
}

/** What is wrong with the file of `GOOGLE_APPLICATION_CREDENTIALS`, if it can be read; whoever uses it tells if it cannot. */
export function credentialFaults(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const path = env['GOOGLE_APPLICATION_CREDENTIALS']
  if (!path) return []
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return urlFaults(content).map((fault) => `GOOGLE_APPLICATION_CREDENTIALS ${path} names ${fault}`)
  } catch {
    return []
  }
}

/** The URLs in a credentials' file, at any depth, that must not be sent what it holds. */
function urlFaults(content: unknown): readonly string[] {
  if (typeof content !== 'object' || content === null) return []
  return Object.entries(content).flatMap(([name, value]) => {
    if (typeof value !== 'string') return urlFaults(value)
    if (!/(^|_)ur[il]$/.test(name) || isMetadata(value)) return []
    // Amazon's has a placeholder for the region.
    const fault = credentialUrlFault(value.replaceAll('{region}', 'region'))
    return fault === undefined ? [] : [`${name} ${value}, which ${fault}`]
  })
}

function isMetadata(text: string): boolean {
  return URL.canParse(text) && METADATA_HOSTS.includes(new URL(text).hostname)
}
