/** Conditions of IAM on buckets: those that docs/own-project.md has granted, and what is known of any other. */

/** How the buckets begin that Dataproc makes for its own files; every cluster may write to them. */
export const DATAPROC_BUCKETS = ['dataproc-staging-', 'dataproc-temp-']

/** Leaves a role on the project what it allows besides Cloud Storage, and of that the buckets that Dataproc makes. */
export const DATAPROC_BUCKETS_ONLY = [
  "resource.service != 'storage.googleapis.com'",
  ...DATAPROC_BUCKETS.map((name) => `resource.name.startsWith('projects/_/buckets/${name}')`),
].join(' || ')

/** What of the state bucket clusters may read. */
export function manifestsAndScripts(bucket: string): string {
  return ['manifests', 'scripts']
    .map((folder) => `resource.name.startsWith('projects/_/buckets/${bucket}/objects/${folder}/')`)
    .join(' || ')
}

/** As an argument of gcloud's, for a shell. */
export function conditionArgument(title: string, expression: string): string {
  return `--condition="expression=${expression},title=${title}"`
}

// DATAPROC_BUCKETS_ONLY, with any buckets in the place of Dataproc's. Quotes of two kinds could hide one text in another.
const ONLY_NAMED =
  /^resource\.service != (['"])storage\.googleapis\.com\1( \|\| resource\.name\.startsWith\(\1projects\/_\/buckets\/[a-z0-9._/-]*\1\))*$/
const NAMED = /startsWith\(['"]([^'"]*)['"]\)/g

/**
 * Whether a condition is known to keep a role from all of a bucket. Only two forms are known: everything but this bucket, and
 * no bucket but some that are named by how they begin. Any other text may say anything, whatever it mentions.
 */
export function keepsFrom(bucket: string, expression: string): boolean {
  const text = expression.trim().replaceAll(/\s+/g, ' ')
  const itself = `projects/_/buckets/${bucket}`
  const isElsewhere = ["'", '"'].some(
    (q) => text === `resource.name != ${q}${itself}${q} && !resource.name.startsWith(${q}${itself}/${q})`,
  )
  if (isElsewhere) return true
  const named = [...text.matchAll(NAMED)].map(([, begin = '']) => begin)
  return ONLY_NAMED.test(text) && !named.some((begin) => meets(begin, `${itself}/`))
}

/** True where one begins the other. */
function meets(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one)
}
