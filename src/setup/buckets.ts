import { isNotFound } from '../../activities/failures.ts'
import type { GoogleClients } from '../clients.ts'
import { type LifecycleRule, planLifecycle } from './lifecycle.ts'
import { mayLoad } from './locations.ts'
import type { Resource } from './resource.ts'

type Storage = GoogleClients['storage']

/** What is read of a bucket. */
interface BucketMetadata {
  readonly location?: string
  readonly locationType?: string
  readonly metageneration?: string | number
  readonly lifecycle?: { readonly rule?: readonly LifecycleRule[] } | null
}

/**
 * A bucket with uniform access. One that exists stays as it is; a bucket's location is for ever, so one from which the
 * dataset cannot be loaded is a fault.
 * @param options.datasetLocation nothing for a bucket that nothing is loaded from
 */
export function bucket(
  storage: Storage,
  name: string,
  options: { readonly location: string; readonly datasetLocation?: string },
): Resource {
  const { location, datasetLocation } = options
  return {
    thing: `bucket gs://${name}`,
    detail: `in ${location}, uniform access`,
    api: 'storage',
    async inspect() {
      const found = await readBucket(storage, name)
      if (found === undefined) {
        return {
          state: 'missing',
          finding: `There is no bucket gs://${name}.`,
          async mend() {
            await storage.createBucket(name, {
              location,
              iamConfiguration: { uniformBucketLevelAccess: { enabled: true } },
            })
          },
        }
      }
      const bucketLocation = { location: found.location ?? location, type: found.locationType }
      if (datasetLocation !== undefined && !mayLoad(bucketLocation, datasetLocation)) {
        return {
          state: 'wrong',
          fault: {
            finding: `The bucket gs://${name} is in ${found.location}, from which BigQuery loads nothing into a dataset in ${datasetLocation}.`,
            remedy: `Name a bucket in ${datasetLocation} by RAW_BUCKET, or a dataset in ${found.location} by BQ_OUTPUT_TABLE and BQ_LOCATION.`,
          },
        }
      }
      return { state: 'right' }
    },
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

async function readBucket(storage: Storage, name: string): Promise<BucketMetadata | undefined> {
  try {
    const [metadata] = await storage.bucket(name).getMetadata()
    return metadata as BucketMetadata
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}
