import { status } from '@grpc/grpc-js'
import { type ClusterRecord, clusterPath } from './cluster-record.ts'
import { invalidArgument } from './errors.ts'
import { packDataproc } from './model.ts'
import type { OperationRecord, OperationTable } from './operations.ts'
import type { ServiceStorage } from './service-storage.ts'

/** What a diagnosis needs. */
export interface DiagnosisParts {
  readonly operations: OperationTable
  readonly storage: ServiceStorage
}

/**
 * Collects what is known about a cluster into Cloud Storage. The operation's response is a `DiagnoseClusterResults` whose
 * `output_uri` names a plain text report, as that message documents.
 * @param directory where to put it, `gs://…`; default: a folder of its own in the staging bucket
 * @throws StatusError INVALID_ARGUMENT
 */
export function diagnose(
  cluster: ClusterRecord,
  directory: string | null | undefined,
  { operations, storage }: DiagnosisParts,
): OperationRecord {
  if (directory && !/^gs:\/\/[^/]+/.test(directory)) {
    throw invalidArgument(`Invalid tarball_gcs_dir '${directory}': a gs:// URI is expected.`)
  }
  const { project, region, name, uuid } = cluster
  const labels = cluster.resource.labels ?? {}
  const operation = operations.startOnCluster('DIAGNOSE', { project, region, name, uuid, labels })
  const task = operation.name.split('/').at(-1)
  const folder = directory ?? `gs://${cluster.stagingBucket}/google-cloud-dataproc-metainfo/${uuid}/${task}`
  const outputUri = `${folder.replace(/\/+$/, '')}/${name}-diagnostic.txt`
  const { status: state, statusHistory, config } = cluster.resource
  const report = { cluster: clusterPath(cluster), uuid, status: state, statusHistory, config }
  storage.write(project, outputUri, `${JSON.stringify(report, null, 2)}\n`).then(
    () => operations.finish(operation, { response: packDataproc('DiagnoseClusterResults', { outputUri }) }),
    () =>
      operations.finish(operation, {
        error: { code: status.INTERNAL, message: `Could not write diagnostic output to ${outputUri}.` },
      }),
  )
  return operation
}
