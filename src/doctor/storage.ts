import type { createStorage } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { bucketThing } from '../setup/buckets.ts'
import { bucketsOf } from '../setup/deployment-buckets.ts'
import { memberOf } from '../setup/explain.ts'
import { storageResources } from '../setup/resources.ts'
import { type Examiner, examine, type Finding, fault, ok } from './finding.ts'

type Storage = ReturnType<typeof createStorage>

/** What the worker does with objects and buckets, by the least role that allows it. */
const NEEDED: Readonly<Record<string, string>> = {
  'storage.objects.get': 'roles/storage.objectUser',
  'storage.objects.list': 'roles/storage.objectUser',
  'storage.objects.create': 'roles/storage.objectUser',
  'storage.objects.delete': 'roles/storage.objectUser',
  'storage.buckets.get': 'roles/storage.legacyBucketReader',
}

/** Buckets, their locations, the lifecycle rule, the Spark script, and what this identity may do there. */
export async function examineStorage(
  storage: Storage,
  config: SetupConfig,
  examiner: Examiner,
): Promise<Finding[]> {
  const resources = storageResources(storage, config)
  const findings = await Promise.all(
    resources.map(async (resource) => ({ resource, finding: await examine(resource, examiner.explain) })),
  )
  const faulty = new Set(
    findings.flatMap(({ resource, finding }) => (finding.state === 'fault' ? [resource.thing] : [])),
  )
  const missing = new Set(
    findings.flatMap(({ resource, finding }) =>
      /^There is no bucket/.test(finding.says) ? [resource.thing] : [],
    ),
  )
  const permissions = await Promise.all(
    bucketsOf(config.pipeline)
      .filter(({ name }) => !missing.has(bucketThing(name)))
      .map(({ name }) => examinePermissions(storage, name, examiner)),
  )
  return [
    ...findings.flatMap(({ resource, finding }) => (faulty.has(resource.standsOn ?? '') ? [] : [finding])),
    ...permissions,
  ]
}

async function examinePermissions(storage: Storage, name: string, examiner: Examiner): Promise<Finding> {
  try {
    const [held] = await storage.bucket(name).iam.testPermissions(Object.keys(NEEDED))
    const lacking = Object.keys(NEEDED).filter((permission) => held[permission] !== true)
    if (lacking.length === 0) return ok(`permissions on gs://${name}`)
    const roles = [...new Set(lacking.map((permission) => NEEDED[permission]))]
    const command = (role: string | undefined): string =>
      `gcloud storage buckets add-iam-policy-binding gs://${name} --member=${memberOf(examiner.account)} --role=${role}`
    return fault({
      finding: `This identity lacks ${lacking.join(', ')} on gs://${name}.`,
      remedy: roles.map(command).join(' && '),
    })
  } catch (error) {
    return fault(examiner.explain(error, `ask for the permissions on gs://${name}`, 'storage'))
  }
}
