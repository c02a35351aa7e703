import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { CallCounts } from '../control/call-counts.ts'
import { StandInClock } from '../control/clock.ts'
import { startControlServer } from '../control/control-server.ts'
import { Entrances } from '../control/entrances.ts'
import { FaultTable } from '../control/faults.ts'
import { tools } from '../toolchain/tools.ts'
import { ClusterFaults } from './cluster-faults.ts'
import { ClusterLifecycle } from './cluster-lifecycle.ts'
import { clusterService } from './cluster-service.ts'
import { ClusterTable } from './cluster-table.ts'
import { controlRoutes } from './control-routes.ts'
import { statusCode } from './errors.ts'
import { startGrpcServer } from './grpc-server.ts'
import { instantRunner } from './instant-runner.ts'
import { JobFaults } from './job-faults.ts'
import { JobLifecycle } from './job-lifecycle.ts'
import { jobService } from './job-service.ts'
import { JobStorage } from './job-storage.ts'
import { JobTable } from './job-table.ts'
import { operationService } from './operation-service.ts'
import { OperationTable } from './operations.ts'
import { services } from './protos.ts'
import { Quotas } from './quotas.ts'
import { ServiceStorage } from './service-storage.ts'
import { DEFAULT_SETTINGS, type Settings } from './settings.ts'
import { sparkRunner } from './spark-runner.ts'
import { stubRunner } from './stub-runner.ts'

/** By which ways the stand-in and its jobs come to Cloud Storage. */
export interface StorageEndpoints {
  /** For Spark, as the clusters' account. */
  readonly spark: string
  /** For the stub in Spark's place, as the same account, but out of reach of faults that are meant for a pipeline. */
  readonly stub: string
  /** For staging buckets, driver output and diagnoses, out of reach of faults as well: these are the service's own. */
  readonly service: string
}

/** How to start the stand-in. */
export interface DataprocOptions {
  /** Base URLs of Cloud Storage. */
  readonly storage: StorageEndpoints
  /** Folder for the drivers' working folders. */
  readonly stateDir: string
  /** Default 0: any free port. */
  readonly port?: number
  readonly controlPort?: number
  /** Default 127.0.0.1. */
  readonly host?: string
  /** The only project that there is; default: any. */
  readonly project?: string
  readonly settings?: Partial<Settings>
}

/** A running stand-in. */
export interface DataprocStandIn {
  /** `host:port` of the plain-text gRPC services. */
  readonly endpoint: string
  /** Base URL of the control endpoint. */
  readonly controlUrl: string
  /** Ends the servers and every driver. */
  close(): Promise<void>
}

/**
 * Starts Dataproc v1 on this machine: ClusterController, JobController and google.longrunning.Operations over gRPC. Its
 * clusters are entries in a table, its jobs run the real spark-submit. State is in memory and ends with the stand-in.
 */
export async function startDataproc(options: DataprocOptions): Promise<DataprocStandIn> {
  const { host = '127.0.0.1', project } = options
  const clock = new StandInClock()
  const settings: Settings = { ...DEFAULT_SETTINGS, ...options.settings }
  const faults = new FaultTable()
  const calls = new CallCounts()
  const quotas = new Quotas(clock)
  const operations = new OperationTable(clock)
  const clusters = new ClusterTable()
  const jobs = new JobTable()
  const clusterFaults = new ClusterFaults()
  const jobFaults = new JobFaults()
  const storage = new ServiceStorage(options.storage.service)
  const clusterLifecycle = new ClusterLifecycle({
    clock,
    settings,
    faults: clusterFaults,
    clusters,
    operations,
    onLost: (cluster, forget) => jobLifecycle.clusterLost(cluster, forget),
  })
  const jobLifecycle: JobLifecycle = new JobLifecycle({
    clock,
    settings,
    faults: jobFaults,
    jobs,
    runners: {
      spark: sparkRunner({
        tools,
        storageEndpoint: options.storage.spark,
        workDir: join(options.stateDir, 'drivers'),
      }),
      stub: stubRunner({ storage: new JobStorage(options.storage.stub), clock, settings }),
      instant: instantRunner,
    },
    onIdle: (cluster) => clusterLifecycle.noteIdle(cluster),
  })
  const shared = { clock, clusters, operations, storage, project }
  const server = await startGrpcServer({
    services: [
      {
        definition: services.clusterController,
        handlers: clusterService({ ...shared, lifecycle: clusterLifecycle, faults: clusterFaults }),
      },
      {
        definition: services.jobController,
        handlers: jobService({ ...shared, clusterLifecycle, jobs, lifecycle: jobLifecycle }),
      },
      { definition: services.operations, handlers: operationService(operations) },
    ],
    faults,
    calls,
    quotas,
    host,
    port: options.port ?? 0,
  })
  const entrances = new Entrances(async (via) => {
    const { endpoint, close } = await server.openEntrance(via)
    return { endpoint: `http://${endpoint}`, close }
  })
  const control = await startControlServer({
    faults,
    calls,
    entrances,
    checkFault: ({ code }) => statusCode(code, status.UNAVAILABLE),
    routes: (app) =>
      controlRoutes(app, {
        clock,
        settings,
        clusters,
        clusterLifecycle,
        clusterFaults,
        jobs,
        jobLifecycle,
        jobFaults,
        quotas,
      }),
    host,
    port: options.controlPort ?? 0,
  })
  return {
    endpoint: server.endpoint,
    controlUrl: control.url,
    async close() {
      await Promise.all([control.close(), entrances.close(), server.close()])
      clock.close()
      await jobLifecycle.close()
    },
  }
}
