import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import { type Grants, OWNER } from './grants.ts'
import { ROLES, type Role } from './roles.ts'

const Denial = Type.Object(
  { denied: Type.Array(Type.String()), account: Type.Optional(Type.String()) },
  { additionalProperties: false },
)
const Bindings = Type.Array(
  Type.Object(
    {
      role: Type.Enum(Object.keys(ROLES) as Role[]),
      bucket: Type.String({ minLength: 1 }),
      below: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
    },
    { additionalProperties: false },
  ),
)

/**
 * Adds what changes who may do what, from the next call on.
 *
 * - `PUT /permissions` `{denied: ['storage.objects.delete'], account?}`: what is refused to an account, whatever it has been
 *   granted; default: to the owner. An empty list takes it back.
 * - `GET /grants` answers the accounts; `PUT /grants/ACCOUNT` `[{role, bucket, below?}]` replaces what one has been granted.
 */
export function accessRoutes(grants: Grants) {
  return (app: FastifyInstance): void => {
    app.put<{ Body: Static<typeof Denial> }>(
      '/permissions',
      { schema: { body: Denial } },
      (request, reply) => {
        const { account = OWNER, denied } = request.body
        return change(reply, () => grants.deny(account, denied))
      },
    )
    app.get('/grants', () => grants.accounts())
    app.put<{ Params: { readonly account: string }; Body: Static<typeof Bindings> }>(
      '/grants/:account',
      { schema: { body: Bindings } },
      ({ params, body }, reply) => change(reply, () => grants.grant(params.account, body)),
    )
  }
}

function change(reply: FastifyReply, apply: () => void): FastifyReply {
  try {
    apply()
  } catch (error) {
    return reply.code(400).send({ error: error instanceof Error ? error.message : String(error) })
  }
  return reply.code(204).send()
}
