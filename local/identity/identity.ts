import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { CallCounts } from '../control/call-counts.ts'
import { startControlServer } from '../control/control-server.ts'
import { FaultTable } from '../control/faults.ts'
import { registerHttpFaults } from '../control/http-faults.ts'
import { permissionRoutes as deniedPermissions } from '../control/permission-routes.ts'
import { controlRoutes, type KeyRings } from './control-routes.ts'
import { KeyRing } from './key-ring.ts'
import { permissionCallOf, permissionError, permissionRoutes } from './permission-routes.ts'
import { createServiceAccount, type ServiceAccount } from './service-account.ts'
import { grantToken, OAuthError } from './token-endpoint.ts'

export { TRIGGER_EMAIL } from './service-account.ts'

/** Where the stand-in listens and writes. */
export interface IdentityOptions {
  /** An existing folder; gets `service-account.json`. */
  readonly stateDir: string
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Default 0: any free port. */
  readonly controlPort?: number
  /** Base URL that the key file names, where callers reach the stand-in by another name than its address. */
  readonly publicUrl?: string
}

/** A running stand-in for Google's identity services. */
export interface Identity {
  readonly url: string
  /** Keys of ID tokens. */
  readonly jwksUrl: string
  /** Keys of IAP assertions. */
  readonly iapJwksUrl: string
  /** A generated service-account key file; its `token_uri` is the stand-in's. */
  readonly serviceAccountFile: string
  /** See `controlRoutes`, and `startControlServer` for faults and counts. */
  readonly controlUrl: string
  close(): Promise<void>
}

const PATHS = { token: '/token', certs: '/oauth2/v3/certs', iapCerts: '/iap/verify/public_key-jwk' } as const

/**
 * Starts a stand-in for Google's token endpoint and key sets, with generated keys, and for the question which permissions a
 * caller has on a project or a service account. Call names for faults and counts: `token`, `certs`, `iapCerts`,
 * `projects.testIamPermissions`, `serviceAccounts.testIamPermissions`.
 */
export async function startIdentity(options: IdentityOptions): Promise<Identity> {
  const host = options.host ?? '127.0.0.1'
  const [google, iap] = await Promise.all([KeyRing.create('RS256'), KeyRing.create('ES256')])
  const faults = new FaultTable()
  const calls = new CallCounts()
  const app = Fastify({ forceCloseConnections: true })
  registerHttpFaults(app, {
    faults,
    calls,
    nameOf: callName,
    errorBody: ({ code, message }, request) =>
      request.url.includes(':testIamPermissions')
        ? permissionError(code, message)
        : outageBody(code, message),
  })
  // The port, and with it the key file's token_uri, is known only once the server listens.
  let account: ServiceAccount | undefined
  addRoutes(app, { google, iap }, () => account)
  const denied = new Set<string>()
  permissionRoutes(app, denied)
  await app.listen({ host, port: options.port ?? 0 })
  const { port } = app.server.address() as AddressInfo
  const url = options.publicUrl ?? `http://${host === '0.0.0.0' ? '127.0.0.1' : host}:${port}`
  const serviceAccountFile = join(options.stateDir, 'service-account.json')
  account = await createServiceAccount(serviceAccountFile, `${url}${PATHS.token}`)
  const identityRoutes = controlRoutes({ google, iap }, account, faults)
  const routes = (control: FastifyInstance): void => {
    identityRoutes(control)
    deniedPermissions(denied)(control)
  }
  const control = await startControlServer({ faults, calls, routes, host, port: options.controlPort ?? 0 })
  return {
    url,
    jwksUrl: `${url}${PATHS.certs}`,
    iapJwksUrl: `${url}${PATHS.iapCerts}`,
    serviceAccountFile,
    controlUrl: control.url,
    async close() {
      await Promise.all([app.close(), control.close()])
    },
  }
}

function addRoutes(app: FastifyInstance, rings: KeyRings, account: () => ServiceAccount | undefined): void {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => {
      done(null, new URLSearchParams(String(body)))
    },
  )
  app.post(PATHS.token, async (request, reply) => {
    const known = account()
    if (known === undefined) return reply.code(503).send({ error: 'temporarily_unavailable' })
    const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams()
    return grantToken(
      { account: known, keys: rings.google },
      form,
      `${request.protocol}://${request.host}${PATHS.token}`,
    )
  })
  // Google's answers say how long they may be kept; verifiers that heed it must notice a rotation all the same.
  app.get(PATHS.certs, (_request, reply) => {
    void reply.header('cache-control', 'public, max-age=21600, must-revalidate, no-transform')
    return reply.send(rings.google.jwks)
  })
  app.get(PATHS.iapCerts, (_request, reply) => {
    void reply.header('cache-control', 'public, max-age=3000')
    return reply.send(rings.iap.jwks)
  })
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof OAuthError) {
      return reply.code(400).send({ error: error.code, error_description: error.message })
    }
    throw error
  })
}

function callName({ url }: FastifyRequest): string | undefined {
  const path = url.split('?')[0]
  return (
    Object.entries(PATHS).find(([, candidate]) => candidate === path)?.[0] ?? permissionCallOf(path ?? '')
  )
}

function outageBody(code: string | number | undefined, message: string | undefined) {
  const body = { error: 'internal_failure', error_description: message ?? 'Backend Error' }
  return { status: typeof code === 'number' ? code : 503, body }
}
