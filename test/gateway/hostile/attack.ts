import type { RawRequest } from '../support/raw-http.ts'

/** A request that must not be served. */
export interface Attack {
  /** What it tries; names the counter-example when one gets through. */
  readonly name: string
  readonly request: RawRequest
  /** It may be served as long as nothing comes of it: a filter that finds nothing. */
  readonly harmless?: true
  /** Its caller proves nothing, and must be told so. */
  readonly unproven?: true
  /** The server may close the connection instead of an answer. */
  readonly mayBeCut?: true
}

/** The routes that start a run, with how each wraps a run's fields. */
export const STARTS = [
  { path: '/runs', wrap: (fields: object): object => fields },
  {
    path: '/api/experimental/dags/average-speed/dag_runs',
    wrap: (fields: object) => inConf(fields, 'run_id'),
  },
  {
    path: '/api/experimental/dags/average-speed/dag_runs',
    wrap: (fields: object) => {
      const { conf, ...rest } = inConf(fields, 'run_id')
      return { ...rest, conf: JSON.stringify(conf) }
    },
  },
  { path: '/api/v1/dags/average-speed/dagRuns', wrap: (fields: object) => inConf(fields, 'dag_run_id') },
  {
    path: '/api/v2/dags/average-speed/dagRuns',
    wrap: (fields: object) => ({ logical_date: null, ...inConf(fields, 'dag_run_id') }),
  },
] as const

/** One of {@link STARTS}. */
export type Start = (typeof STARTS)[number]

function inConf(fields: object, name: string): { readonly conf: object } {
  const { run_id, ...conf } = fields as { readonly run_id?: unknown }
  return { ...(run_id !== undefined && { [name]: run_id }), conf }
}

/** A POST with a JSON body. */
export function postJson(path: string, body: unknown, authorization: string): RawRequest {
  return post(path, Buffer.from(JSON.stringify(body)), [authorization, 'Content-Type: application/json'])
}

/** A POST with any body. */
export function post(target: string, body: Buffer, headers: readonly string[]): RawRequest {
  return { method: 'POST', target, headers, body }
}
