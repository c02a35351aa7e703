import { isNotFound } from '../../activities/failures.ts'
import type { GoogleClients } from '../clients.ts'
import { type LifecycleRule, planLifecycle } from './lifecycle.ts'
import { mayLoad } from './locations.ts'
import { foreignFault, isOwned, type Labels, ownedLabels } from './ownership.ts'
import type { Fault, Resource } from './resource.ts'

type Storage = GoogleClients['storage']

/** What is read of a bucket. */
export interface BucketMetadata {
  readonly location?: string
  readonly locationType?: string
  readonly metageneration?: string | number
  readonly labels?: Labels | null
  readonly iamConfiguration?: {
    readonly publicAccessPrevention?: string
    readonly uniformBucketLevelAccess?: { readonly enabled?: boolean }
  }
  readonly lifecycle?: { readonly rule?: readonly LifecycleRule[] } | null
}

/** How a bucket is to be. */
export interface BucketOptions {
  /** The variable that names it. */
  readonly setting: string
  readonly stateBucket: string
  /** Where set-up makes it; absent for one that is somebody else's to make. */
  readonly location?: string
  /** Absent for a bucket that nothing is loaded from. */
  readonly datasetLocation?: string
}

/** The name of a bucket as a thing. */
export function bucketThing(name: string): string {
  return `bucket gs://${name}`
}

// Nobody outside the project reads it either: it names every file of every batch.
const PRIVATE = {
  uniformBucketLevelAccess: { enabled: true },
  publicAccessPrevention: 'enforced',
} as const

/**
 * A bucket with uniform access, labelled with the state bucket that it belongs to. Of one that exists only the label is set,
 * and of the state bucket itself that it is private; a bucket's location is for ever, so one from which the dataset cannot be
 * loaded is a fault, as is one that bears the label of another state bucket.
 */
export function bucket(storage: Storage, name: string, options: BucketOptions): Resource {
  const { setting, stateBucket, location } = options
  const isState = name === stateBucket
  const iamConfiguration = isState ? PRIVATE : { uniformBucketLevelAccess: { enabled: true } }
  const detail = [location && `in ${location}`, location && 'uniform access', isState && 'never public']
  return {
    thing: bucketThing(name),
    detail: detail.filter(Boolean).join(', ') || `labelled ${stateBucket}`,
    api: 'storage',
    async inspect() {
      const found = await readBucket(storage, name)
      const finding = `There is no bucket gs://${name}.`
      if (found === undefined && location === undefined) {
        return { state: 'wrong', fault: { finding, remedy: `Create it, or take it out of ${setting}.` } }
      }
      if (found === undefined) {
        return {
          state: 'missing',
          finding,
          async mend() {
            const labels = { ...ownedLabels(undefined, stateBucket) }
            await storage.createBucket(name, { ...(location && { location }), labels, iamConfiguration })
          },
        }
      }
      const fault =
        foreignFault(`The bucket gs://${name}`, setting, found.labels, stateBucket) ??
        locationFault(name, found, options)
      if (fault !== undefined) return { state: 'wrong', fault }
      const isOurs = isOwned(found.labels, stateBucket)
      if (isOurs && (!isState || isPrivate(found))) return { state: 'right' }
      return {
        state: 'differs',
        finding: isOurs
          ? `The state bucket gs://${name} is not kept from public access, or lets objects have access of their own.`
          : `The bucket gs://${name} bears no label that says which deployment's it is.`,
        async mend() {
          const labels = { ...ownedLabels(found.labels, stateBucket) }
          // Whoever changes the bucket since it was read is not overwritten: 412.
          await storage
            .bucket(name)
            .setMetadata(
              { labels, ...(isState && { iamConfiguration }) },
              { ifMetagenerationMatch: Number(found.metageneration) },
            )
        },
      }
    },
  }
}

function isPrivate({ iamConfiguration: found }: BucketMetadata): boolean {
  return (
    found?.uniformBucketLevelAccess?.enabled === true &&
    found.publicAccessPrevention === PRIVATE.publicAccessPrevention
  )
}

function locationFault(
  name: string,
  found: BucketMetadata,
  { location = '', datasetLocation }: BucketOptions,
): Fault | undefined {
  const bucketLocation = { location: found.location ?? location, type: found.locationType }
  if (datasetLocation === undefined || mayLoad(bucketLocation, datasetLocation)) return undefined
  return {
    finding: `The bucket gs://${name} is in ${found.location}, from which BigQuery loads nothing into a dataset in ${datasetLocation}.`,
    remedy: `Name a bucket in ${datasetLocation} by RAW_BUCKET, or a dataset in ${found.location} by BQ_OUTPUT_TABLE and BQ_LOCATION.`,
  }
}

/** The rule that deletes what runs have left in the temporary folders of a bucket; other rules are kept. */
export function temporaryFilesRule(
  storage: Storage,
  name: string,
  options: { readonly folders: readonly string[]; readonly days: number },
): Resource {
  const { folders, days } = options
  const places = folders.map((folder) => (folder === '' ? '/' : folder)).join(', ')
  const plan = (found: BucketMetadata | undefined) =>
    planLifecycle(found?.lifecycle?.rule ?? [], folders, days)
  return {
    thing: `lifecycle of gs://${name}`,
    detail: `transformed-* and rejected-* in ${places} go after ${days} days`,
    api: 'storage',
    standsOn: bucketThing(name),
    async inspect() {
      const { lacking, begun } = plan(await readBucket(storage, name))
      if (lacking.length === 0) return { state: 'right' }
      const where = lacking.map((folder) => `gs://${name}/${folder}`).join(', ')
      return {
        state: begun ? 'differs' : 'missing',
        finding: `No lifecycle rule deletes what is ${days} days old and temporary in ${where}.`,
        async mend() {
          const found = await readBucket(storage, name)
          // Whoever changes the rules between this read and the write is not overwritten: 412.
          await storage
            .bucket(name)
            .setMetadata(
              { lifecycle: { rule: [...plan(found).rules] } },
              { ifMetagenerationMatch: Number(found?.metageneration) },
            )
        },
      }
    },
  }
}

/** A bucket's metadata; nothing if there is none. */
export async function readBucket(storage: Storage, name: string): Promise<BucketMetadata | undefined> {
  try {
    const [metadata] = await storage.bucket(name).getMetadata()
    return metadata as BucketMetadata
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
