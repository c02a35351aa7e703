import { readFileSync } from 'node:fs'
import { type AuthClient, GoogleAuth } from 'google-auth-library'
import { credentialUrlFault, googleUrlFault } from './endpoints.ts'

/** What the library asks for a service account's token, whatever its key file says. */
const GOOGLE_TOKEN_URL = 'https://oauth2.googleapis.com/token'

/** Below which all of Google's hosts are; there is no other that this product is made for. */
const UNIVERSE = 'googleapis.com'

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

/**
 * What in a credentials' file, at any depth, would have a credential sent to others. Values are looked at, not names: the
 * library takes names in two spellings, and more of them than files are said to have. Where a workload's own token comes from
 * (`credential_source`) is another cloud's; all else is Google's.
 */
function urlFaults(content: unknown, fault: Judge = googleUrlFault): readonly string[] {
  if (typeof content !== 'object' || content === null) return []
  return Object.entries(content).flatMap(([name, value]) => {
    if (/^credential_?source$/i.test(name)) return urlFaults(value, sourceFault)
    if (/^universe_?domain$/i.test(name) && value !== UNIVERSE)
      return [`${name} ${JSON.stringify(value)}, which is not ${UNIVERSE}`]
    if (typeof value !== 'string') return urlFaults(value, fault)
    // The last is for a person's browser, and no library asks it.
    if (!isUrl(value) || name === 'auth_uri') return []
    const found = fault(value)
    return found === undefined ? [] : [`${name} ${value}, which ${found}`]
  })
}

type Judge = (url: string) => string | undefined

function sourceFault(url: string): string | undefined {
  if (URL.canParse(url) && METADATA_HOSTS.includes(new URL(url).hostname)) return undefined
  // Amazon's has a placeholder for the region.
  return credentialUrlFault(url.replaceAll('{region}', 'region'))
}

/** True for what a URL's parser, which drops blanks and line feeds, could take for one. */
function isUrl(text: string): boolean {
  return /^https?:/i.test(text.replaceAll(/[\p{Cc}\s]/gu, ''))
}
