import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'

/** A client of a Cloud Storage stand-in. @param apiEndpoint its base URL */
export function storageClient(apiEndpoint: string): Storage {
  const authClient = new OAuth2Client()
  // Any token will do; with one that never expires the client does not go looking for another.
  authClient.setCredentials({ access_token: 'stand-in', expiry_date: Number.MAX_SAFE_INTEGER })
  return new Storage({ projectId: 'dataproc-service', apiEndpoint, authClient })
}

/** Bucket and object name of a `gs://` URI. */
export function splitUri(uri: string): { readonly bucket: string; readonly name: string } {
  const match = /^gs:\/\/([^/]+)\/?(.*)$/s.exec(uri)
  if (match === null) throw new Error(`'${uri}' is not a gs:// URI.`)
  return { bucket: match[1] ?? '', name: match[2] ?? '' }
}
