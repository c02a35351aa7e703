import {
  conditionArgument,
  DATAPROC_BUCKETS_ONLY,
  keepsFrom,
  manifestsAndScripts,
} from '../bucket-conditions.ts'
import type { createStorage } from '../clients.ts'
import type { SetupConfig } from '../config.ts'
import { type Binding, createIam } from '../iam.ts'
import { type Examiner, type Finding, fault, ok, skipped } from './finding.ts'

/** Somebody who must not write to the state bucket. */
interface Stranger {
  /** What the member is, for the finding. */
  readonly who: string
  readonly is: (member: string) => boolean
}

/** A grant that lets a stranger write there. */
interface Grant {
  readonly who: string
  readonly member: string
  readonly role: string
  /** Whether it has a condition, which then is none that is known to keep the stranger out. */
  readonly isConditional: boolean
}

// Roles with storage.objects.create or .delete. That of Dataproc's machines is for all buckets of a project:
// https://docs.cloud.google.com/iam/docs/roles-permissions/dataproc#dataproc.worker
const WRITING_ROLES: ReadonlySet<string> = new Set([
  'roles/owner',
  'roles/editor',
  'roles/dataproc.worker',
  'roles/dataflow.worker',
  'roles/composer.worker',
  'roles/storage.admin',
  'roles/storage.objectAdmin',
  'roles/storage.objectUser',
  'roles/storage.objectCreator',
  'roles/storage.legacyBucketOwner',
  'roles/storage.legacyBucketWriter',
  'roles/storage.legacyObjectOwner',
])
const BASIC_ROLES = ['roles/owner', 'roles/editor']

/** Those who must not write to the state bucket, as far as the settings name them. */
export function strangersOf(
  clusterAccount: string | undefined,
  callers: readonly string[],
): readonly Stranger[] {
  const isCluster = (member: string): boolean =>
    clusterAccount === undefined
      ? // Without a setting the machines are the project's default account.
        /^serviceAccount:\d+-compute@developer\.gserviceaccount\.com$/.test(member)
      : member === `serviceAccount:${clusterAccount}`
  return [
    { who: "the account of the clusters' machines", is: isCluster },
    {
      who: 'a caller of the gateway',
      is: (member) => callers.includes(member.replace(/^[a-zA-Z]+:/, '').toLowerCase()),
    },
    { who: 'everybody', is: (member) => member === 'allUsers' || member === 'allAuthenticatedUsers' },
  ]
}

/** The grants of a policy by which strangers may write to a bucket, for all that is known of their conditions. */
export function writingGrants(
  policy: readonly Binding[],
  strangers: readonly Stranger[],
  bucket: string,
): readonly Grant[] {
  return policy
    .filter(
      ({ role, condition }) => WRITING_ROLES.has(role) && !keepsFrom(bucket, condition?.expression ?? ''),
    )
    .flatMap(({ role, members = [], condition }) =>
      members.flatMap((member) =>
        strangers
          .filter(({ is }) => is(member))
          .map(({ who }) => ({ who, member, role, isConditional: condition !== undefined })),
      ),
    )
}

/**
 * Whether clusters or callers may write to the state bucket, as far as its policy and the project's can be read. What a role of
 * the user's own allows, and who is in a group, cannot be seen there.
 */
export async function examineStateAccess(
  storage: ReturnType<typeof createStorage>,
  config: SetupConfig,
  callers: readonly string[],
  { project }: Examiner,
): Promise<Finding[]> {
  const { stateBucket } = config.pipeline
  const strangers = strangersOf(config.clusterServiceAccount, callers)
  const examinePolicy = async (
    where: string,
    permission: string,
    read: () => Promise<readonly Binding[]>,
    remedy: (grant: Grant) => string,
  ): Promise<Finding[]> => {
    try {
      const grants = writingGrants(await read(), strangers, stateBucket)
      if (grants.length === 0) return [ok(`who may write to gs://${stateBucket} by the policy of ${where}`)]
      return grants.map((grant) =>
        fault({
          finding: `${grant.member}, ${grant.who}, may write to the state bucket gs://${stateBucket} by ${grant.role} on ${where}${grant.isConditional ? ', under a condition that cannot be judged: look at it' : ''}.`,
          remedy: remedy(grant),
        }),
      )
    } catch {
      // Only to warn is it read: a deployment does without the permission.
      const whose = `whether clusters and callers may write to gs://${stateBucket} by the policy of ${where}`
      return [
        skipped(
          `${whose}, which cannot be seen from here without ${permission}; docs/own-project.md says what to grant`,
        ),
      ]
    }
  }
  const iam = createIam(config.iamEndpoint)
  const [onBucket, onProject] = await Promise.all([
    examinePolicy(
      'the bucket',
      'storage.buckets.getIamPolicy',
      async () => {
        const [{ bindings }] = await storage.bucket(stateBucket).iam.getPolicy({ requestedPolicyVersion: 3 })
        return bindings as readonly Binding[]
      },
      (grant) =>
        `gcloud storage buckets remove-iam-policy-binding gs://${stateBucket} ${grantArguments(grant)}${grant.isConditional ? ' --all' : ''}`,
    ),
    examinePolicy(
      'the project',
      'resourcemanager.projects.getIamPolicy',
      () => iam.projectPolicy(project),
      (grant) => projectRemedy(grant, project, stateBucket),
    ),
  ])
  return [...onBucket, ...onProject]
}

/** Grants the same under the condition that docs/own-project.md gives, and of the state bucket what clusters read. */
function projectRemedy(grant: Grant, project: string, bucket: string): string {
  // Basic roles take no conditions.
  const role = BASIC_ROLES.includes(grant.role) ? 'roles/dataproc.worker' : grant.role
  const remove = `gcloud projects remove-iam-policy-binding ${project} ${grantArguments(grant)}`
  const add = [
    `gcloud projects add-iam-policy-binding ${project} ${grantArguments({ ...grant, role })} ${conditionArgument('dataproc-buckets-only', DATAPROC_BUCKETS_ONLY)}`,
    `gcloud storage buckets add-iam-policy-binding gs://${bucket} ${grantArguments({ ...grant, role: 'roles/storage.objectViewer' })} ${conditionArgument('manifests-and-scripts', manifestsAndScripts(bucket))}`,
  ]
  // All of a role's grants go at once where the condition of one is not to be repeated: before the new one then.
  const steps = grant.isConditional ? [`${remove} --all`, ...add] : [...add, `${remove} --condition=None`]
  return steps.join(' && ')
}

function grantArguments({ member, role }: Grant): string {
  return `--member=${member} --role=${role}`
}
