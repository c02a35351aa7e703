import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { FaultTable } from '../control/faults.ts'
import { iapClaims, idTokenClaims, lifetime } from './claims.ts'
import type { KeyRing } from './key-ring.ts'
import type { ServiceAccount } from './service-account.ts'

/** The key rings by what they sign. */
export interface KeyRings {
  readonly google: KeyRing
  readonly iap: KeyRing
}

const Kind = Type.Union([Type.Literal('google'), Type.Literal('iap')])

const MintBody = Type.Object(
  {
    kind: Kind,
    /** Replace the usual claims; null removes one. */
    claims: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** Negative: expired so long ago. */
    expiresInSeconds: Type.Optional(Type.Integer()),
    key: Type.Optional(Type.Union([Type.Literal('current'), Type.Literal('foreign')])),
  },
  { additionalProperties: false },
)

const RotateBody = Type.Object(
  { kind: Kind, withdrawOld: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
)

const OutageBody = Type.Object(
  {
    kind: Type.Union([Type.Literal('error'), Type.Literal('drop'), Type.Literal('latency')]),
    latencyMs: Type.Optional(Type.Number({ minimum: 0 })),
  },
  { additionalProperties: false },
)

/**
 * What tests ask of the identity stand-in, beside faults and counts:
 *
 * - `POST /mint {kind: 'google'|'iap', claims?, expiresInSeconds?, key?: 'current'|'foreign'}` answers `{token}`. Claims
 *   are those of the trigger's account, audience `local-audience`, unless `claims` says otherwise.
 * - `POST /rotate {kind, withdrawOld?}` signs with a new key from now on; 204.
 * - `POST /outage {kind: 'error'|'drop'|'latency', latencyMs?}` fails every call until `DELETE /outage`; 204.
 */
export function controlRoutes(rings: KeyRings, account: ServiceAccount, faults: FaultTable) {
  let outage: string | undefined
  return (app: FastifyInstance): void => {
    app.post<{ Body: Static<typeof MintBody> }>('/mint', { schema: { body: MintBody } }, async ({ body }) => {
      const usual = (body.kind === 'iap' ? iapClaims : idTokenClaims)(account, 'local-audience')
      const times = body.expiresInSeconds === undefined ? {} : lifetime(body.expiresInSeconds)
      const claims = Object.entries({ ...usual, ...times, ...body.claims }).filter(
        ([, value]) => value !== null,
      )
      return { token: await rings[body.kind].sign(Object.fromEntries(claims), body.key) }
    })
    app.post<{ Body: Static<typeof RotateBody> }>(
      '/rotate',
      { schema: { body: RotateBody } },
      async (request, reply) => {
        await rings[request.body.kind].rotate(request.body.withdrawOld ?? false)
        return reply.code(204).send()
      },
    )
    app.post<{ Body: Static<typeof OutageBody> }>(
      '/outage',
      { schema: { body: OutageBody } },
      async (request, reply) => {
        if (outage !== undefined) faults.clear(outage)
        outage = faults.add({ on: '*', times: Number.MAX_SAFE_INTEGER, ...request.body }).id
        return reply.code(204).send()
      },
    )
    app.delete('/outage', async (_request, reply) => {
      if (outage !== undefined) faults.clear(outage)
      outage = undefined
      return reply.code(204).send()
    })
  }
}
