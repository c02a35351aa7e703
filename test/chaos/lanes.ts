import { REAPER_SCHEDULE_ID } from '../../workflows/contract.ts'
import type { Sweep } from '../../workflows/run-types.ts'
import { Control } from '../support/control.ts'
import type { Pipeline } from '../support/pipeline.ts'
import type { WorkerProcess } from '../support/worker-process.ts'
import type { Gate } from './boundaries.ts'
import { patiently } from './patience.ts'

/** The Google services that runs call. */
export type Service = 'dataproc' | 'storage' | 'bigquery'

/** A fault that waits in a stand-in; one that holds is a gate. */
export interface SetFault extends Gate {
  /** Calls that it has struck. */
  hits(): Promise<number>
}

/** One deployment of the pipeline with a worker process of its own. What strikes one lane does not strike another. */
export interface Lane {
  readonly name: string
  readonly taskQueue: string
  /** Injects a fault that strikes only calls of this lane's worker. */
  addFault(service: Service, fault: object): Promise<SetFault>
  /** Ends the worker and, once it has ended, starts another. */
  replaceWorker(signal: 'SIGKILL' | 'SIGTERM', onSignal?: () => Promise<void>): Promise<void>
  /** Runs the lane's sweep now. @returns the clusters that it has deleted */
  sweep(): Promise<readonly string[]>
  calls(service: Service): Promise<readonly { readonly name: string; readonly subject: string }[]>
}

const SERVICES: readonly Service[] = ['dataproc', 'storage', 'bigquery']

/** Opens a lane: its entrances to the stand-ins, and its worker. @param name also its deployment */
export async function openLane(pipeline: Pipeline, name: string): Promise<Lane> {
  const controls = Object.fromEntries(
    SERVICES.map((service) => [
      service,
      new Control(pipeline.cloud.get(`${service.toUpperCase()}_CONTROL_URL`)),
    ]),
  ) as Record<Service, Control>
  const variables: Record<string, string> = {
    TEMPORAL_TASK_QUEUE: name,
    DEPLOYMENT: name,
    CLUSTER_ZONES: 'us-central1-a,us-central1-b',
  }
  for (const service of SERVICES) {
    const account = service === 'storage' ? { account: 'worker' } : {}
    const { endpoint = '' } = await controls[service].post('/entrances', { name, ...account })
    variables[`${service.toUpperCase()}_API_ENDPOINT`] = endpoint
  }
  let worker: WorkerProcess = await pipeline.addWorker(variables)
  return {
    name,
    taskQueue: name,
    async addFault(service, fault) {
      const control = controls[service]
      const { id = '' } = await control.post('/faults', { ...fault, via: name })
      return {
        async hits() {
          const faults =
            await control.get<readonly { readonly id: string; readonly hits: number }[]>('/faults')
          return faults.find((each) => each.id === id)?.hits ?? 0
        },
        async held(waitMs) {
          return (await control.get<{ readonly held: boolean }>(`/faults/${id}/held?waitMs=${waitMs}`)).held
        },
        async release(end) {
          await control.post(`/faults/${id}/release`, { end })
        },
        async remove() {
          await control.post(`/faults/${id}/release`, { end: 'go' })
          await control.delete(`/faults/${id}`)
        },
      }
    },
    async replaceWorker(signal, onSignal) {
      const ended = worker.stop(signal)
      await onSignal?.()
      await ended
      worker = await patiently(() => pipeline.addWorker(variables))
    },
    async sweep() {
      const schedule = pipeline.temporal.schedule.getHandle(`${REAPER_SCHEDULE_ID}-${name}`)
      const actions = async () =>
        (await patiently(() => schedule.describe())).info.recentActions.map(({ action }) => action.workflow)
      const known = new Set((await actions()).map(({ firstExecutionRunId }) => firstExecutionRunId))
      await patiently(() => schedule.trigger())
      for (let looks = 0; looks < 200; looks++) {
        const started = (await actions()).find(({ firstExecutionRunId }) => !known.has(firstExecutionRunId))
        if (started === undefined) {
          await new Promise((resolve) => setTimeout(resolve, 50))
          continue
        }
        const { workflowId, firstExecutionRunId } = started
        const sweep = pipeline.temporal.workflow.getHandle(workflowId, firstExecutionRunId)
        return (await patiently(() => sweep.result() as Promise<Sweep>)).deleted
      }
      // The schedule skips a sweep while another is under way.
      return []
    },
    calls: (service) => controls[service].get(`/calls/log?via=${name}`),
  }
}
