import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
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
      `gcloud projects add-iam-policy-binding some-project --member=${MEMBER} --role=roles/dataproc.worker --condition='title=not-the-state-bucket,expression=resource.name != "projects/_/buckets/state" && !resource.name.startsWith("projects/_/buckets/state/")'`,
      `gcloud storage buckets add-iam-policy-binding gs://state --member=${MEMBER} --role=roles/storage.objectViewer --condition='title=manifests-and-scripts,expression=resource.name.startsWith("projects/_/buckets/state/objects/manifests/") || resource.name.startsWith("projects/_/buckets/state/objects/scripts/")'`,
      `gcloud projects remove-iam-policy-binding some-project --member=${MEMBER} --role=roles/dataproc.worker --condition=None`,
    ].join(' && '),
  })
  const without = (bucket: string) =>
    grant('roles/dataproc.worker', MEMBER, `!resource.name.startsWith("projects/_/buckets/${bucket}/")`)
  expect(await states({ project: [without('state')], bucket: [] })).toEqual(['ok', 'ok'])
  expect(await states({ project: [without('state-of-another')], bucket: [] })).toEqual(['ok', 'fault'])
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
