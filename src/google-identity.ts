import { GoogleAuth } from 'google-auth-library'
import { honourTokenUri } from './token-endpoint.ts'

/** Whoever the application's default credentials make us. */
export interface GoogleIdentity {
  /** E-mail address; absent where the credentials do not tell it, such as those of a person. */
  readonly account?: string
}

/**
 * Finds the application's default credentials and gets an access token for them.
 * @throws Error when there are none, or they are not accepted
 */
export async function googleIdentity(): Promise<GoogleIdentity> {
  // Without a project the library would look for one; a token needs none.
  const auth = new GoogleAuth({
    projectId: 'none',
    scopes: ['https://www.googleapis.com/auth/cloud-platform'],
  })
  const client = await auth.getClient()
  honourTokenUri(client, auth.jsonContent)
  await client.getAccessToken()
  const { client_email: account } = await auth.getCredentials()
  return account === undefined ? {} : { account }
}
