import {
  AwsClient,
  type AwsClientOptions,
  type ExternalAccountClientOptions,
  IdentityPoolClient,
  type IdentityPoolClientOptions,
  type IdTokenProvider,
  PluggableAuthClient,
  type PluggableAuthClientOptions,
} from 'google-auth-library'
import { guardTransport } from '../google-credentials.ts'
import { CliError, EXIT } from './exit-codes.ts'

/** True for the contents of a workload-identity-federation file. */
export function isFederated(credentials: unknown): credentials is ExternalAccountClientOptions {
  return (credentials as { type?: unknown } | null | undefined)?.type === 'external_account'
}

/**
 * ID tokens of the service account that a federation file names. The library's own ID-token client refuses such files, and
 * its `Impersonated` prints a warning for every use; this is the same call, made with the federated token itself, so that
 * `roles/iam.workloadIdentityUser` on the account is all that is needed:
 * https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateIdToken
 */
export function federatedIdTokens(credentials: ExternalAccountClientOptions): IdTokenProvider {
  const { service_account_impersonation_url: url, ...federated } = credentials
  if (url === undefined) {
    throw new CliError(
      EXIT.notAllowed,
      'The workload-identity file names no service account, and only a service account has ID tokens. Make it anew with: gcloud iam workload-identity-pools create-cred-config … --service-account=<account>.',
    )
  }
  const client = federatedClient({ scopes: ['https://www.googleapis.com/auth/cloud-platform'], ...federated })
  guardTransport(client, credentials)
  return {
    async fetchIdToken(audience) {
      const { data } = await client.request<{ token: string }>({
        url: url.replace(/:generateAccessToken$/, ':generateIdToken'),
        method: 'POST',
        data: { audience, includeEmail: true },
      })
      return data.token
    },
  }
}

// The same choice as the library's ExternalAccountClient makes, less its warning.
function federatedClient(options: ExternalAccountClientOptions) {
  const source = (options as { credential_source?: { environment_id?: string; executable?: object } })
    .credential_source
  if (source?.environment_id?.startsWith('aws')) return new AwsClient(options as AwsClientOptions)
  if (source?.executable) return new PluggableAuthClient(options as PluggableAuthClientOptions)
  return new IdentityPoolClient(options as IdentityPoolClientOptions)
}
