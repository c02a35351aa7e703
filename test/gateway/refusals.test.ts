import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { generateKeyPair, UnsecuredJWT } from 'jose'
import { startTestGateway, type TestGateway, workflowIds } from './support/gateway.ts'
import { GOOD_CLAIMS } from './support/issuer.ts'

let gateway: TestGateway
const good = { run_id: 'never', raw_path: 'gs://raw-bucket/exports/raw-1/' }

beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.close())

async function post(authorization: string | undefined, body: object = good) {
  return gateway.app.inject({
    method: 'POST',
    url: '/runs',
    headers: authorization === undefined ? {} : { authorization },
    payload: body,
  })
}

describe('A caller who proves nothing is refused', () => {
  const now = Math.floor(Date.now() / 1000)
  test.each<[string, () => Promise<string | undefined>, number, RegExp]>([
    ['without a token', async () => undefined, 401, /Send a Google ID token/],
    ['with Basic credentials', async () => 'Basic eDp5', 401, /must be: Bearer/],
    ['with garbage', async () => 'Bearer abc.def.ghi', 401, /not a signed JSON Web Token/],
    ['for another audience', () => bearer({ claims: { aud: 'other' } }), 401, /another audience/],
    ['from another issuer', () => bearer({ claims: { iss: 'https://evil.example' } }), 401, /another issuer/],
    ['that has expired', () => bearer({ expiresIn: -120 }), 401, /has expired/],
    ['without an expiry', () => bearer({ expiresIn: null }), 401, /lacks a valid claim/],
    ['from the future', () => bearer({ claims: { nbf: now + 600 } }), 401, /not valid yet/],
    ['with an unverified address', () => bearer({ claims: { email_verified: false } }), 401, /not verified/],
    ['without an address', () => bearer({ claims: { email: '' } }), 401, /no e-mail address/],
    [
      'for a caller who is not on the list',
      () => bearer({ claims: { email: 'm@x.org' } }),
      403,
      /m@x\.org may not/,
    ],
    [
      'signed by another key under a known key id',
      async () => bearer({ key: (await generateKeyPair('RS256')).privateKey }),
      401,
      /not signed by a key of its issuer/,
    ],
    [
      'without a signature',
      async () =>
        `Bearer ${new UnsecuredJWT({ iss: 'https://accounts.google.com', exp: now + 60, ...GOOD_CLAIMS }).encode()}`,
      401,
      /./,
    ],
  ])('%s', async (_title, authorization, status, sentence) => {
    const reply = await post(await authorization())
    expect(reply.statusCode).toBe(status)
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(reply.json()).toMatchObject({ status, detail: expect.stringMatching(sentence) })
    if (status === 401) expect(reply.headers['www-authenticate']).toMatch(/^Bearer/)
  })
})

describe('Input that cannot be used is refused with one clear sentence', () => {
  test.each<[string, object, number, RegExp]>([
    ['no raw path', { raw_path: undefined }, 400, /^raw_path is missing in the body\.$/],
    [
      'a bucket that is not on the list',
      { raw_path: 'gs://other-bucket/a/raw-1/' },
      403,
      /"other-bucket", which this deployment does not allow/,
    ],
    ['a raw path without raw-', { raw_path: 'gs://raw-bucket/a/b/' }, 400, /must end in a folder named raw-/],
    [
      'a transformed path that is the raw path',
      { transformed_path: 'exports/raw-1' },
      403,
      /transformed_path must be .*transformed-1/,
    ],
    [
      'a transformed path around the raw path',
      { transformed_path: 'gs://raw-bucket/exports/' },
      403,
      /transformed_path must be .*not for a caller to choose/,
    ],
    [
      'a failed path in the raw path',
      { failed_path: 'exports/raw-1/x/' },
      403,
      /failed_path must be .*failed-1/,
    ],
    [
      'another batch’s failed path',
      { failed_path: 'exports/failed-2/' },
      403,
      /failed_path must be .*failed-1/,
    ],
    ['a table that is not allowed', { output_table: 'my-project.other.table' }, 403, /output_table names/],
    ['dot segments', { raw_path: 'gs://raw-bucket/a/../raw-1/' }, 400, /"\."/],
    ['wildcards', { raw_path: 'gs://raw-bucket/a/raw-*/' }, 400, /wildcard/],
    ['another scheme', { raw_path: 's3://raw-bucket/a/raw-1/' }, 400, /must be a Cloud Storage path/],
    ['half a surrogate pair', { raw_path: 'gs://raw-bucket/a/raw-\ud800/' }, 400, /half a character/],
    ['a typing error in a name', { raw_pth: 'x' }, 400, /"raw_pth".*Known are: run_id, raw_path/],
    ['a number as run id', { run_id: 5 }, 400, /^run_id must be string/],
    ['a run id with a slash', { run_id: 'a/b' }, 400, /^run_id is not valid\. Name of the run/],
    ['a table without a dataset', { output_table: 'table' }, 400, /^output_table/],
    [
      'an unknown disposition',
      { write_disposition: 'WRITE_EMPTY' },
      400,
      /one of WRITE_TRUNCATE, WRITE_APPEND/,
    ],
    ['a share above 1', { max_reject_share: 1.5 }, 400, /^max_reject_share must be <= 1/],
  ])('%s', async (_title, change, status, sentence) => {
    const reply = await post(await bearer(), { ...good, ...change })
    expect(reply.json()).toMatchObject({ status, detail: expect.stringMatching(sentence) })
    expect(reply.statusCode).toBe(status)
  })
})

test('bodies that are not JSON, or too large, are refused', async () => {
  const send = async (payload: string, type: string) =>
    (
      await gateway.app.inject({
        method: 'POST',
        url: '/runs',
        headers: await gateway.headers({ 'content-type': type }),
        payload,
      })
    ).statusCode
  expect(await send('{', 'application/json')).toBe(400)
  expect(await send('', 'application/json')).toBe(400)
  expect(await send('[]', 'application/json')).toBe(400)
  expect(await send('{"__proto__": {"raw_path": "x"}}', 'application/json')).toBe(400)
  expect(await send('raw_path=x', 'application/x-www-form-urlencoded')).toBe(415)
  expect(await send(JSON.stringify({ raw_path: 'x'.repeat(70_000) }), 'application/json')).toBe(413)
})

test('an unknown address is a problem, and says where to read more', async () => {
  const reply = await gateway.app.inject('/nothing')
  expect(reply.statusCode).toBe(404)
  expect(reply.json()).toMatchObject({ title: 'Not Found', detail: expect.stringContaining('/docs') })
})

test('no workflow was started, and no token was logged', async () => {
  const reply = await gateway.app.inject({ url: '/runs/never', headers: await gateway.headers() })
  expect(reply.statusCode).toBe(404)
  expect(await workflowIds(gateway.client)).toEqual([])
  expect(gateway.log()).toContain('caller@example.com')
  expect(gateway.log()).not.toMatch(/eyJ/)
})

async function bearer(options?: Parameters<TestGateway['issuer']['token']>[0]): Promise<string> {
  return `Bearer ${await gateway.issuer.token(options)}`
}
