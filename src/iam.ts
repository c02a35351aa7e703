import { OAuth2Client } from 'google-auth-library'
import { isGoogle } from './endpoints.ts'
import { googleCredentials } from './google-credentials.ts'

/** Asks which permissions the caller has on what no client of ours deals with: the project, and service accounts. */
export interface Iam {
  /** https://cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions */
  onProject(project: string, permissions: readonly string[]): Promise<readonly string[]>
  /** https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/testIamPermissions */
  onServiceAccount(email: string, permissions: readonly string[]): Promise<readonly string[]>
}

const RESOURCE_MANAGER = 'https://cloudresourcemanager.googleapis.com'
const IAM = 'https://iam.googleapis.com'
const TIMEOUT_MS = 20_000

/**
 * @param endpoint base URL in the place of both of Google's; unless it is Google's own it gets no credentials
 * @throws (every method) Error with Google's words and the HTTP status as `code`
 */
export function createIam(endpoint: string | undefined): Iam {
  const ask = async (url: string, permissions: readonly string[]): Promise<readonly string[]> => {
    try {
      const client = await clientFor(endpoint)
      const { data } = await client.request<{ readonly permissions?: readonly string[] }>({
        url: `${url}:testIamPermissions`,
        method: 'POST',
        data: { permissions },
        timeout: TIMEOUT_MS,
      })
      return data.permissions ?? []
    } catch (error) {
      throw withStatus(error)
    }
  }
  return {
    onProject: (project, permissions) =>
      ask(`${endpoint ?? RESOURCE_MANAGER}/v1/projects/${encodeURIComponent(project)}`, permissions),
    onServiceAccount: (email, permissions) =>
      ask(`${endpoint ?? IAM}/v1/projects/-/serviceAccounts/${encodeURIComponent(email)}`, permissions),
  }
}

async function clientFor(endpoint: string | undefined): Promise<Pick<OAuth2Client, 'request'>> {
  if (endpoint !== undefined && !isGoogle(endpoint)) {
    const anonymous = new OAuth2Client()
    anonymous.setCredentials({ access_token: 'stand-in', expiry_date: Number.MAX_SAFE_INTEGER })
    return anonymous
  }
  return (await googleCredentials(['https://www.googleapis.com/auth/cloud-platform'])).client
}

/** Google's other clients put the HTTP status into `code`; this one's errors have it elsewhere. */
function withStatus(error: unknown): Error {
  const {
    status,
    message = String(error),
    response,
  } = error as {
    readonly status?: number
    readonly message?: string
    readonly response?: { readonly data?: { readonly error?: { readonly message?: string } } }
  }
  const text = response?.data?.error?.message ?? message
  return Object.assign(new Error(text, { cause: error }), status === undefined ? {} : { code: status })
}
