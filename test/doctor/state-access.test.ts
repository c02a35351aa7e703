import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { conditionArgument, DATAPROC_BUCKETS_ONLY, manifestsAndScripts } from '../../src/bucket-conditions.ts'
import { createStorage } from '../../src/clients.ts'
import { loadSetupConfig, type SetupConfig } from '../../src/config.ts'
import { examineStateAccess } from '../../src/doctor/state-access.ts'
import type { Binding } from '../../src/iam.ts'
import { explainer } from '../../src/setup/explain.ts'

const MACHINES = 'cluster@some-project.iam.gserviceaccount.com'
const MEMBER = `serviceAccount:${MACHINES}`

let server: Server
/** Policies by what they are on; without one, reading it is refused. */
let policies: { readonly project?: readonly Binding[]; readonly bucket?: readonly Binding[] }
let asked: string[]
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const bindings = request.url?.startsWith('/storage/') ? policies.bucket : policies.project
    response.writeHead(bindings === undefined ? 403 : 200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify(bindings === undefined ? { error: { code: 403, message: 'No.' } } : { bindings }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server?.close()
})

async function findings(
  given: typeof policies,
  variables: Readonly<Record<string, string>> = { CLUSTER_SERVICE_ACCOUNT: MACHINES },
) {
  policies = given
  asked = []
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const config: SetupConfig = loadSetupConfig({
    GOOGLE_CLOUD_PROJECT: 'some-project',
    RAW_BUCKET: 'raw',
    PROCESSED_BUCKET: 'processed',
    STATE_BUCKET: 'state',
    BQ_OUTPUT_TABLE: 'some-project.Demo.trips',
    STORAGE_API_ENDPOINT: endpoint,
    IAM_API_ENDPOINT: endpoint,
    ...variables,
  })
  const explain = explainer({ project: 'some-project', temporalAddress: '' })
  const storage = createStorage(config.google)
  const examiner = { explain, project: 'some-project', account: undefined }
  return examineStateAccess(storage, config, ['exporter@example.com'], examiner)
}
const states = async (...args: Parameters<typeof findings>) =>
  (await findings(...args)).map(({ state }) => state)
const grant = (role: string, member: string, expression?: string): Binding => ({
  role,
  members: ['serviceAccount:worker@some-project.iam.gserviceaccount.com', member],
  ...(expression !== undefined && { condition: { expression } }),
})

test('nothing is found where nobody else may write', async () => {
  const policy = [
    grant('roles/storage.objectViewer', MEMBER),
    grant('roles/storage.objectUser', 'user:me@example.com'),
  ]
  expect(await states({ project: policy, bucket: policy })).toEqual(['ok', 'ok'])
  expect(asked.sort()).toEqual([
    'GET /storage/v1/b/state/iam?optionsRequestedPolicyVersion=3',
    'POST /v1/projects/some-project:getIamPolicy',
  ])
})

test("the role of Dataproc's machines on the project reaches the state bucket; the remedy is a condition", async () => {
  const [, found] = await findings({ project: [grant('roles/dataproc.worker', MEMBER)], bucket: [] })
  expect(found).toEqual({
    state: 'fault',
    says: `${MEMBER}, the account of the clusters' machines, may write to the state bucket gs://state by roles/dataproc.worker on the project.`,
    remedy: [
      `gcloud projects add-iam-policy-binding some-project --member=${MEMBER} --role=roles/dataproc.worker --condition="expression=${DATAPROC_BUCKETS_ONLY},title=dataproc-buckets-only"`,
      `gcloud storage buckets add-iam-policy-binding gs://state --member=${MEMBER} --role=roles/storage.objectViewer --condition="expression=resource.name.startsWith('projects/_/buckets/state/objects/manifests/') || resource.name.startsWith('projects/_/buckets/state/objects/scripts/'),title=manifests-and-scripts"`,
      `gcloud projects remove-iam-policy-binding some-project --member=${MEMBER} --role=roles/dataproc.worker --condition=None`,
    ].join(' && '),
  })
})

describe('finding 8: a condition keeps a stranger out only if it is known to', () => {
  const named = (...begins: string[]) =>
    begins.reduce(
      (text, begin) => `${text} || resource.name.startsWith('projects/_/buckets/${begin}')`,
      "resource.service != 'storage.googleapis.com'",
    )
  const isNot = (bucket: string) =>
    `resource.name != "projects/_/buckets/${bucket}" && !resource.name.startsWith("projects/_/buckets/${bucket}/")`

  test.each([
    DATAPROC_BUCKETS_ONLY,
    DATAPROC_BUCKETS_ONLY.replaceAll("'", '"'),
    ` ${DATAPROC_BUCKETS_ONLY.replaceAll(' || ', '\n  || ')}\n`,
    named(),
    named('own-staging', 'own-temp/'),
    isNot('state'),
    isNot('state').replaceAll('"', "'"),
  ])('finding 8: this does: %s', async (expression) => {
    const binding = grant('roles/dataproc.worker', MEMBER, expression)
    expect(await states({ project: [binding], bucket: [] })).toEqual(['ok', 'ok'])
  })

  test.each([
    'resource.name.startsWith("projects/_/buckets/state/objects/scripts/")',
    '!resource.name.startsWith("projects/_/buckets/state/objects/scripts/")',
    '!resource.name.startsWith("projects/_/buckets/state/")',
    `${isNot('state')} || true`,
    `${DATAPROC_BUCKETS_ONLY} || true`,
    `true || ${DATAPROC_BUCKETS_ONLY}`,
    `!(${isNot('state')})`,
    isNot('state-of-another'),
    named('st'),
    named('state'),
    named('own-staging', 'state/objects/scripts/'),
    named(''),
    DATAPROC_BUCKETS_ONLY.replace('!=', '=='),
    DATAPROC_BUCKETS_ONLY.replace("service != '", 'service != "').replace(/'\)$/, '")'),
    `${DATAPROC_BUCKETS_ONLY} || resource.name.startsWith("projects/_/buckets/x")`,
    'request.time < timestamp("2099-01-01T00:00:00Z")',
    '',
  ])('finding 8: this does not, or nobody can say: %s', async (expression) => {
    const bindings = [grant('roles/storage.objectAdmin', MEMBER, expression)]
    const found = await findings({ project: bindings, bucket: bindings })
    expect(found.map(({ state }) => state)).toEqual(['fault', 'fault'])
    for (const { says } of found)
      expect(says).toMatch(/under a condition that cannot be judged: look at it\.$/)
    expect(found[0]?.remedy).toBe(
      `gcloud storage buckets remove-iam-policy-binding gs://state --member=${MEMBER} --role=roles/storage.objectAdmin --all`,
    )
    // What is recommended is what the document has granted, and never part of the text that was found.
    expect(found[1]?.remedy).toMatch(
      /^gcloud projects remove-iam-policy-binding .* --all && gcloud projects add-/,
    )
    expect(found[1]?.remedy).toContain(conditionArgument('dataproc-buckets-only', DATAPROC_BUCKETS_ONLY))
  })

  test('finding 8: the document grants by the same conditions as the doctor knows and recommends', () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/own-project.md'), 'utf8')
    const granted = [...document.matchAll(/--condition="[^"]*"/g)].map(([text]) => text)
    expect(granted).toEqual([
      conditionArgument('dataproc-buckets-only', DATAPROC_BUCKETS_ONLY),
      conditionArgument('manifests-and-scripts', manifestsAndScripts('$STATE_BUCKET')),
    ])
  })
})

test('callers, everybody, and the machines’ default account are found too', async () => {
  const bucket = [
    grant('roles/storage.objectCreator', 'user:Exporter@example.com'),
    grant('roles/storage.objectAdmin', 'allAuthenticatedUsers'),
  ]
  const project = [grant('roles/editor', 'serviceAccount:123-compute@developer.gserviceaccount.com')]
  const found = await findings({ project, bucket }, {})
  expect(found.map(({ state }) => state)).toEqual(['fault', 'fault', 'fault'])
  expect(found[0]?.remedy).toBe(
    'gcloud storage buckets remove-iam-policy-binding gs://state --member=user:Exporter@example.com --role=roles/storage.objectCreator',
  )
  expect(found[2]?.remedy).toContain('--role=roles/dataproc.worker --condition=')
})

test('what may not be read is said to be out of sight, and is no fault', async () => {
  const found = await findings({})
  expect(found.map(({ state }) => state)).toEqual(['skipped', 'skipped'])
  expect(found[1]?.says).toMatch(
    /gs:\/\/state .* cannot be seen from here without resourcemanager\.projects\.getIam/,
  )
})
