import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { type CryptoKey, exportPKCS8, generateKeyPair } from 'jose'

/** A service account and the public half of its key. */
export interface ServiceAccount {
  readonly email: string
  /** The account's unique id, `sub` of its tokens. */
  readonly uniqueId: string
  readonly publicKey: CryptoKey
}

/** The account that on-prem callers use here. */
export const TRIGGER_EMAIL = 'on-prem-trigger@local-project.iam.gserviceaccount.com'

const TRIGGER_UNIQUE_ID = '100000000000000000001'

/**
 * Makes an account with a fresh key and writes its key file, as the official auth libraries read it; only its owner may
 * read the file.
 */
export async function createServiceAccount(file: string, tokenUri: string): Promise<ServiceAccount> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const content = {
    type: 'service_account',
    project_id: 'local-project',
    private_key_id: randomUUID().replaceAll('-', ''),
    private_key: await exportPKCS8(privateKey),
    client_email: TRIGGER_EMAIL,
    client_id: TRIGGER_UNIQUE_ID,
    token_uri: tokenUri,
    universe_domain: 'googleapis.com',
  }
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  return { email: TRIGGER_EMAIL, uniqueId: TRIGGER_UNIQUE_ID, publicKey }
}
