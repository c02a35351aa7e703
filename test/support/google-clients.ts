import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'

/** A client for the stand-in, with a token that nobody looks at. @param retry false shows every refusal as it comes. */
export function storageClient(endpoint: string, retry = true): Storage {
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: 'test', expiry_date: Number.MAX_SAFE_INTEGER })
  return new Storage({
    apiEndpoint: endpoint,
    projectId: 'local-project',
    authClient,
    retryOptions: retry ? { totalTimeout: 30 } : { autoRetry: false },
  })
}
