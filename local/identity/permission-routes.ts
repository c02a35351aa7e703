import type { FastifyInstance } from 'fastify'

const PROJECT = '/v1/projects/:project([^:/]+)::testIamPermissions'
const ACCOUNT = '/v1/projects/:project/serviceAccounts/:email([^:/]+)::testIamPermissions'

/** Names of the calls below, for faults and counts; undefined for other paths. */
export function permissionCallOf(path: string): string | undefined {
  if (!path.endsWith(':testIamPermissions')) return undefined
  return path.includes('/serviceAccounts/')
    ? 'serviceAccounts.testIamPermissions'
    : 'projects.testIamPermissions'
}

/**
 * Says which of the permissions the caller has: all but those that are denied over the control endpoint.
 * @see https://cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions
 * @see https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/testIamPermissions
 */
export function permissionRoutes(app: FastifyInstance, denied: ReadonlySet<string>): void {
  for (const path of [PROJECT, ACCOUNT]) {
    app.post<{ Body: { readonly permissions?: readonly string[] } }>(path, async ({ body }) => {
      const permissions = (body.permissions ?? []).filter((permission) => !denied.has(permission))
      return permissions.length > 0 ? { permissions } : {}
    })
  }
}

/** An injected error, as Google's newer APIs word theirs: https://cloud.google.com/apis/design/errors#http_mapping */
export function permissionError(code: string | number | undefined, message: string | undefined) {
  const status = typeof code === 'number' ? code : 503
  return { status, body: { error: { code: status, message: message ?? 'Backend Error' } } }
}
