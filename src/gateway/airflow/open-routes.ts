import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { refuseOtherMethods } from '../other-methods.ts'

/** The version whose API is spoken; some clients look before they ask for more. */
const VERSIONS = { v1: '2.11.0', v2: '3.0.0' } as const

const Health = Type.Object({
  metadatabase: Type.Object({ status: Type.Enum(['healthy', 'unhealthy']) }),
  scheduler: Type.Object({
    status: Type.Enum(['healthy', 'unhealthy']),
    latest_scheduler_heartbeat: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  }),
  triggerer: Type.Object({ status: Type.Null(), latest_triggerer_heartbeat: Type.Null() }),
  dag_processor: Type.Object({ status: Type.Null(), latest_dag_processor_heartbeat: Type.Null() }),
})
const Version = Type.Object({ version: Type.String(), git_version: Type.Null() })

/** Health and version of Airflow 2 and 3, open to all as they are there. */
export const openAirflowRoutes: FastifyPluginAsyncTypebox<{
  readonly checkReady: () => Promise<void>
}> = async (app, { checkReady }) => {
  const done = refuseOtherMethods(app)
  const health = async () => {
    const status = await checkReady().then(
      () => 'healthy' as const,
      () => 'unhealthy' as const,
    )
    return {
      metadatabase: { status },
      scheduler: {
        status,
        latest_scheduler_heartbeat: status === 'healthy' ? new Date().toISOString() : null,
      },
      triggerer: { status: null, latest_triggerer_heartbeat: null },
      dag_processor: { status: null, latest_dag_processor_heartbeat: null },
    }
  }
  const routes = [
    { tag: 'airflow 2', healthUrl: '/api/v1/health', versionUrl: '/api/v1/version', version: VERSIONS.v1 },
    {
      tag: 'airflow 3',
      healthUrl: '/api/v2/monitor/health',
      versionUrl: '/api/v2/version',
      version: VERSIONS.v2,
    },
  ]
  for (const { tag, healthUrl, versionUrl, version } of routes) {
    const common = { tags: [tag], security: [] }
    app.get(
      healthUrl,
      { schema: { ...common, summary: 'Does Temporal answer?', response: { 200: Health } } },
      health,
    )
    app.get(
      versionUrl,
      { schema: { ...common, summary: 'The version whose API is spoken', response: { 200: Version } } },
      async () => ({ version, git_version: null }),
    )
  }
  done()
}
