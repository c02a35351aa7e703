import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { workflowIdOf } from '../../workflows/contract.ts'
import { scaled } from '../support/scale.ts'
import { type Attack, postJson, STARTS } from './hostile/attack.ts'
import { bodyAttacks } from './hostile/bodies.ts'
import { pathAttacks } from './hostile/paths.ts'
import { type TokenKit, tokenAttacks } from './hostile/tokens.ts'
import { queryAttacks, urlAttacks } from './hostile/urls.ts'
import { startTestGateway, type TestGateway, workflowIds } from './support/gateway.ts'
import { sendRaw } from './support/raw-http.ts'
import { until } from './support/until.ts'

// The same thousand each time; ten thousand others each time, whose seed is in the report of a failure.
const { requests, seed, minutes } = scaled(
  { requests: 1_000, seed: 1, minutes: 3 },
  { requests: 10_000, seed: undefined, minutes: 20 },
)

let gateway: TestGateway
let port: number
let kit: TokenKit

beforeAll(async () => {
  gateway = await startTestGateway({ waitLimitMs: 50 })
  await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  port = (gateway.app.server.address() as AddressInfo).port
  kit = await makeKit()
})
afterAll(() => gateway?.close())

async function makeKit(): Promise<TokenKit> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const issuerKey = createPrivateKey(await gateway.issuer.privateKeyPem())
  const issuerPublic = createPublicKey(issuerKey)
  const jwk = issuerPublic.export({ format: 'jwk' })
  const goodToken = await gateway.issuer.token()
  const [header = '', claims = ''] = goodToken.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  return {
    keyId: read(header).kid,
    issuerKey,
    attackerKey: createPrivateKey(await exportPKCS8(privateKey)),
    attackerJwk: await exportJWK(publicKey),
    publicKeyForms: [
      issuerPublic.export({ format: 'pem', type: 'spki' }),
      issuerPublic.export({ format: 'pem', type: 'spki' }).toString().trim(),
      issuerPublic.export({ format: 'pem', type: 'pkcs1' }),
      issuerPublic.export({ format: 'der', type: 'spki' }),
      JSON.stringify(jwk),
      String(jwk.n),
      Buffer.from(String(jwk.n), 'base64url'),
    ],
    goodToken,
    goodClaims: read(claims),
  }
}

test(
  `none of ${requests} hostile requests starts a run or gives 5xx, and no token is logged`,
  async () => {
    const authorization = `Authorization: Bearer ${kit.goodToken}`
    const attacks = fc.oneof(
      { arbitrary: tokenAttacks(kit), weight: 3 },
      { arbitrary: pathAttacks(authorization), weight: 3 },
      { arbitrary: bodyAttacks(authorization), weight: 2 },
      { arbitrary: urlAttacks(authorization), weight: 1 },
      { arbitrary: queryAttacks(authorization), weight: 1 },
    )
    const answers = new Map<string, number>()
    const property = fc.asyncProperty(attacks, async (attack) => {
      const { status } = await sendRaw(port, attack.request)
      const answer = `${attack.name}: ${status ?? 'cut'}`
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
      judge(attack, status)
    })
    await fc.assert(property, {
      numRuns: requests,
      endOnFailure: true,
      ...(seed !== undefined && { seed }),
    })
    console.info(
      [...answers]
        .sort()
        .map(([answer, count]) => `${answer} × ${count}`)
        .join('\n'),
    )

    await noRunButOurs(authorization)
    expect(gateway.log()).toContain('caller@example.com')
    // Every token begins like this: the base64 of {" and a letter.
    expect(gateway.log()).not.toMatch(/eyJ/)
  },
  minutes * 60_000,
)

function judge({ name, unproven, harmless, mayBeCut }: Attack, status: number | undefined): void {
  if (status === undefined) {
    if (mayBeCut) return
    throw new Error(`${name}: the connection was closed without an answer.`)
  }
  const refused = unproven ? status === 401 || status === 403 : status >= 400 && status < 500
  if (!refused && !(harmless && status < 400)) throw new Error(`${name}: ${status}`)
}

/** Good requests of the same make still get through; once visibility knows of them, it would know of all others. */
async function noRunButOurs(authorization: string): Promise<void> {
  const ids = STARTS.map((_, i) => `good-${i}`)
  for (const [i, { path, wrap }] of STARTS.entries()) {
    const body = wrap({ run_id: ids[i], raw_path: 'gs://raw-bucket/exports/raw-good/' })
    const { status, text } = await sendRaw(port, postJson(path, body, authorization))
    if (status !== 200 && status !== 202) throw new Error(text)
  }
  await until(async () => (await workflowIds(gateway.client)).length >= ids.length)
  expect(await workflowIds(gateway.client)).toEqual(ids.map(workflowIdOf))
}
