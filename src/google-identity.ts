import { googleCredentials } from './google-credentials.ts'

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
  const credentials = await googleCredentials(['https://www.googleapis.com/auth/cloud-platform'])
  await credentials.client.getAccessToken()
  const account = await credentials.account()
  return account === undefined ? {} : { account }
}
