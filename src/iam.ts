import { OAuth2Client } from 'google-auth-library'
import { isGoogle } from './endpoints.ts'
import { googleCredentials } from './google-credentials.ts'

/** Who is granted a role: https://cloud.google.com/iam/docs/reference/rest/v1/Policy#Binding */
export interface Binding {
  readonly role: string
  readonly members?: readonly string[]
  readonly condition?: { readonly expression?: string }
}

/** Asks about permissions on what no client of ours deals with: the project, and service accounts. */
export interface Iam {
  /** https://cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions */
  onProject(project: string, permissions: readonly string[]): Promise<readonly string[]>
  /** https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/testIamPermissions */
  onServiceAccount(email: string, permissions: readonly string[]): Promise<readonly string[]>
  /** https://cloud.google.com/resource-manager/reference/rest/v1/projects/getIamPolicy */
  projectPolicy(project: string): Promise<readonly Binding[]>
}

const RESOURCE_MANAGER = 'https://cloudresourcemanager.googleapis.com'
const IAM = 'https://iam.googleapis.com'
const TIMEOUT_MS = 20_000

/**
 * @param endpoint base URL in the place of both of Google's; unless it is Google's own it gets no credentials
 * @throws (every method) Error with Google's words and the HTTP status as `code`
 */
export function createIam(endpoint: string | undefined): Iam {
  const ask = async <T>(url: string, body: object): Promise<T> => {
    try {
      const client = await clientFor(endpoint)
      const { data } = await client.request<T>({ url, method: 'POST', data: body, timeout: TIMEOUT_MS })
      return data
    } catch (error) {
      throw withStatus(error)
    }
  }
  const test = async (url: string, permissions: readonly string[]): Promise<readonly string[]> => {
    const answer = await ask<{ readonly permissions?: readonly string[] }>(`${url}:testIamPermissions`, {
      permissions,
    })
    return answer.permissions ?? []
  }
  const projectUrl = (project: string): string =>
    `${endpoint ?? RESOURCE_MANAGER}/v1/projects/${encodeURIComponent(project)}`
  return {
    onProject: (project, permissions) => test(projectUrl(project), permissions),
    onServiceAccount: (email, permissions) =>
      test(`${endpoint ?? IAM}/v1/projects/-/serviceAccounts/${encodeURIComponent(email)}`, permissions),
    async projectPolicy(project) {
      // Conditions are left out below version 3.
      const options = { requestedPolicyVersion: 3 }
      const url = `${projectUrl(project)}:getIamPolicy`
      return (await ask<{ readonly bindings?: readonly Binding[] }>(url, { options })).bindings ?? []
    },
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
