import { status } from '@grpc/grpc-js'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { StandInClock } from '../control/clock.ts'
import type { ClusterFaultSpec, ClusterFaults } from './cluster-faults.ts'
import type { ClusterLifecycle } from './cluster-lifecycle.ts'
import { type ClusterRecord, clusterState } from './cluster-record.ts'
import type { ClusterTable } from './cluster-table.ts'
import type { JobFaultSpec, JobFaults } from './job-faults.ts'
import type { JobLifecycle } from './job-lifecycle.ts'
import { isCancellable, isOver, type JobRecord, jobState } from './job-record.ts'
import type { JobTable } from './job-table.ts'
import { ledger } from './ledger.ts'
import { PUBLISHED_QUOTAS, type QuotaLimits, type Quotas } from './quotas.ts'
import type { Settings } from './settings.ts'

/** What the control endpoint reaches into. */
export interface ControlParts {
  readonly clock: StandInClock
  readonly settings: Settings
  readonly clusters: ClusterTable
  readonly clusterLifecycle: ClusterLifecycle
  readonly clusterFaults: ClusterFaults
  readonly jobs: JobTable
  readonly jobLifecycle: JobLifecycle
  readonly jobFaults: JobFaults
  readonly quotas: Quotas
}

const ms = Type.Optional(Type.Number({ minimum: 0 }))
const strict = { additionalProperties: false }
const text = Type.Optional(Type.String())
const times = Type.Optional(Type.Integer({ minimum: 1 }))

const SettingsBody = Type.Object(
  {
    bootMs: ms,
    runningLagMs: ms,
    deleteMs: ms,
    updateMs: ms,
    jobStartMs: ms,
    cancelMs: ms,
    jobMs: ms,
    jobMode: Type.Optional(Type.Enum(['spark', 'stub', 'instant'])),
    sparkFor: text,
  },
  strict,
)
const ClusterFaultBody = Type.Object(
  {
    kind: Type.Enum(['quota', 'stockout', 'boot-failure', 'stuck', 'delete-failure']),
    zone: text,
    match: text,
    times,
    message: text,
  },
  strict,
)
const JobFaultBody = Type.Object(
  { kind: Type.Enum(['error', 'lost']), match: text, afterMs: ms, times, message: text },
  strict,
)
const count = Type.Optional(Type.Integer({ minimum: 0 }))
const QuotasBody = Type.Object(
  {
    enabled: Type.Boolean(),
    limits: Type.Optional(
      Type.Object(
        { getJob: count, jobOperations: count, clusterOperations: count, otherRequests: count },
        strict,
      ),
    ),
  },
  strict,
)
const AdvanceBody = Type.Object({ ms: Type.Number({ minimum: 0 }) }, strict)

type Action = { Params: { name: string }; Body: { message?: string } | undefined }

/**
 * The control endpoint's routes for Dataproc, besides the shared ones:
 *
 * - `GET|PUT /settings`: see {@link Settings}; a PUT changes what it names and answers them all.
 * - `POST /clock/advance` `{ms}`; `GET /clock`.
 * - `GET /ledger`: see `Ledger`.
 * - `POST|GET|DELETE /cluster-faults`, `DELETE /cluster-faults/:id`: see {@link ClusterFaultSpec}. `POST /clusters/:name/fail` `{message?}`,
 *   `POST /clusters/:name/vanish`.
 * - `POST|GET|DELETE /job-faults`: see {@link JobFaultSpec}. `POST /jobs/:name/fail` `{message?}`,
 *   `POST /jobs/:name/cancel-outside`, `POST /jobs/:name/vanish`.
 * - `PUT /quotas` `{enabled, limits?}`: Google's published ones unless others are given.
 */
export function controlRoutes(app: FastifyInstance, parts: ControlParts): void {
  const { clock, settings } = parts
  app.get('/settings', () => settings)
  app.put<{ Body: Partial<Settings> }>('/settings', { schema: { body: SettingsBody } }, ({ body }) =>
    Object.assign(settings, body),
  )
  app.get('/clock', () => ({ now: clock.isoNow() }))
  app.post<{ Body: { ms: number } }>('/clock/advance', { schema: { body: AdvanceBody } }, ({ body }) => {
    clock.advance(body.ms)
    return { now: clock.isoNow() }
  })
  app.get('/ledger', () => ledger(parts.clusters.history(), parts.jobs.history(), clock.now()))
  app.put<{ Body: { enabled: boolean; limits?: Partial<QuotaLimits> } }>(
    '/quotas',
    { schema: { body: QuotasBody } },
    ({ body }) => {
      parts.quotas.limits = body.enabled ? { ...PUBLISHED_QUOTAS, ...body.limits } : undefined
      return { enabled: body.enabled, limits: parts.quotas.limits ?? null }
    },
  )
  clusterRoutes(app, parts)
  jobRoutes(app, parts)
}

function clusterRoutes(
  app: FastifyInstance,
  { clusters, clusterLifecycle, clusterFaults }: ControlParts,
): void {
  app.post<{ Body: ClusterFaultSpec }>(
    '/cluster-faults',
    { schema: { body: ClusterFaultBody } },
    ({ body }) => ({
      id: clusterFaults.add(body).id,
    }),
  )
  app.get('/cluster-faults', () => clusterFaults.list())
  app.delete<{ Params: { id?: string } }>('/cluster-faults/:id?', ({ params }, reply) => {
    clusterFaults.clear(params.id)
    return reply.code(204).send()
  })
  const actions: Readonly<Record<string, (cluster: ClusterRecord, message?: string) => void>> = {
    fail: (cluster, message = 'The cluster encountered an error.') =>
      clusterLifecycle.fail(cluster, { code: status.INTERNAL, message }),
    vanish: (cluster) => clusterLifecycle.vanish(cluster),
  }
  for (const [action, act] of Object.entries(actions)) {
    app.post<Action>(`/clusters/:name/${action}`, (request, reply) => {
      const cluster = clusters.find(request.params.name)
      if (cluster === undefined) return refuse(reply, 404, `There is no cluster ${request.params.name}.`)
      if (clusterState(cluster) === 'DELETING') return refuse(reply, 409, `${cluster.name} is being deleted.`)
      act(cluster, request.body?.message)
      return { state: clusterState(cluster) }
    })
  }
}

function jobRoutes(app: FastifyInstance, { jobs, jobLifecycle, jobFaults }: ControlParts): void {
  app.post<{ Body: JobFaultSpec }>('/job-faults', { schema: { body: JobFaultBody } }, ({ body }) => ({
    id: jobFaults.add(body).id,
  }))
  app.get('/job-faults', () => jobFaults.list())
  app.delete('/job-faults', (_request, reply) => {
    jobFaults.clear()
    return reply.code(204).send()
  })
  const actions: Readonly<Record<string, (job: JobRecord, message?: string) => void>> = {
    fail: (job, message = '') => jobLifecycle.fail(job, message),
    'cancel-outside': (job) => jobLifecycle.cancel(job),
    vanish: (job) => jobLifecycle.vanish(job),
  }
  for (const [action, act] of Object.entries(actions)) {
    app.post<Action>(`/jobs/:name/${action}`, (request, reply) => {
      const job = jobs.find(request.params.name)
      if (job === undefined) return refuse(reply, 404, `There is no job ${request.params.name}.`)
      const refused = action === 'fail' ? isOver(job) : action === 'cancel-outside' && !isCancellable(job)
      if (refused) return refuse(reply, 409, `Job ${job.id} is ${jobState(job)}.`)
      act(job, request.body?.message)
      return { state: jobState(job) }
    })
  }
}

function refuse(reply: FastifyReply, code: number, error: string): FastifyReply {
  return reply.code(code).send({ error })
}
