const OBJECT_USER = [
  'storage.objects.create',
  'storage.objects.delete',
  'storage.objects.get',
  'storage.objects.list',
  'storage.objects.update',
] as const

/**
 * What Google's predefined roles allow, of that which calls here need.
 * @see https://cloud.google.com/storage/docs/access-control/iam-roles
 */
export const ROLES = {
  'roles/storage.admin': [
    ...OBJECT_USER,
    'storage.buckets.create',
    'storage.buckets.delete',
    'storage.buckets.get',
    'storage.buckets.list',
    'storage.buckets.update',
  ],
  'roles/storage.objectUser': OBJECT_USER,
  'roles/storage.objectViewer': ['storage.objects.get', 'storage.objects.list'],
  'roles/storage.objectCreator': ['storage.objects.create'],
  'roles/storage.legacyBucketReader': ['storage.buckets.get', 'storage.objects.list'],
} as const

export type Role = keyof typeof ROLES
export type Permission = (typeof ROLES)[Role][number]

/** What a call looks at or changes, as a refusal names it. */
export function resourceKind(permission: Permission): string {
  if (permission === 'storage.buckets.create' || permission === 'storage.buckets.list')
    return 'Google Cloud project'
  const isBucket = permission.startsWith('storage.buckets.') || permission === 'storage.objects.list'
  return `Google Cloud Storage ${isBucket ? 'bucket' : 'object'}`
}
