import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import type { Issuer } from '../../gateway/support/issuer.ts'

/** Google's STS and IAM-credentials endpoints, as a federated workload meets them. */
export interface Federation {
  /** A workload-identity file, as `gcloud iam workload-identity-pools create-cred-config` writes it. */
  readonly credentialsFile: string
  /** What was asked of the endpoints. */
  readonly calls: () => readonly object[]
  close(): Promise<void>
}

/**
 * Starts both endpoints; ID tokens come from the issuer.
 * @see https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
 */
export async function startFederation(issuer: Issuer): Promise<Federation> {
  const calls: object[] = []
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    const reply = (body: object) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    if (path === '/v1/token') {
      const form = new URLSearchParams(await text(request))
      calls.push({ path, subjectToken: form.get('subject_token') })
      return reply({
        access_token: 'federated-token',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3600,
      })
    }
    calls.push({ path, authorization: request.headers.authorization, body: await json(request) })
    return reply({ token: await issuer.token() })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const folder = await mkdtemp(join(tmpdir(), 'federation-'))
  const tokenFile = join(folder, 'token')
  const credentialsFile = join(folder, 'credentials.json')
  await writeFile(tokenFile, 'workload-token')
  await writeFile(
    credentialsFile,
    JSON.stringify({
      type: 'external_account',
      audience:
        '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/on-prem',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${url}/v1/token`,
      service_account_impersonation_url: `${url}/v1/projects/-/serviceAccounts/caller@example.com:generateAccessToken`,
      credential_source: { file: tokenFile },
    }),
  )
  return {
    credentialsFile,
    calls: () => calls.slice(0, 2),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
