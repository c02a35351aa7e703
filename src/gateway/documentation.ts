import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { AuthenticationConfig } from '../config.ts'

const SCHEMES = {
  'id-token': {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A Google ID token whose audience is the IAP client id.',
  },
  iap: {
    type: 'apiKey',
    in: 'header',
    name: 'x-goog-iap-jwt-assertion',
    description:
      'Added by Identity-Aware Proxy; send it a Google ID token whose audience is the IAP client id.',
  },
} as const

/** OpenAPI 3.1, made from the schemas of all routes that are registered after it. */
export const description = fastifyPlugin(
  async (app: FastifyInstance, { mode }: Pick<AuthenticationConfig, 'mode'>) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'average-speed gateway',
          description: 'Starts and follows runs of the average-speed pipeline.',
          version: '0.1.0',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        tags: [
          { name: 'runs', description: 'The native API.' },
          { name: 'airflow 1.10', description: 'For triggers that were written for Airflow 1.10.' },
          { name: 'airflow 2', description: 'For clients of Airflow 2: the part of its stable API on runs.' },
          { name: 'airflow 3', description: 'For clients of Airflow 3: the part of its API on runs.' },
          { name: 'health', description: 'For probes; open to all.' },
        ],
        components: { securitySchemes: { caller: SCHEMES[mode] } },
        security: [{ caller: [] }],
      },
    })
  },
  { name: 'description' },
)

/** The description at /openapi.json, and a page to browse it at /docs, both open to all. */
export async function documentationPages(app: FastifyInstance): Promise<void> {
  let text: string | undefined
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  app.get('/openapi.json', { schema: { hide: true } }, async (_request, reply) => {
    text ??= JSON.stringify(app.swagger())
    return reply.type('application/json').send(text)
  })
}
