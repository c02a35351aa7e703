import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const require = createRequire(import.meta.url)

/** A package's `build/protos`, found from its main file because its `package.json` may not be exported. */
function protosOf(name: string): string {
  return join(dirname(require.resolve(name)), '..', 'protos')
}

const definitions = loadSync(
  [
    'google/cloud/dataproc/v1/clusters.proto',
    'google/cloud/dataproc/v1/jobs.proto',
    // Not reached from the services: the metadata of their operations.
    'google/cloud/dataproc/v1/operations.proto',
    'google/longrunning/operations.proto',
  ],
  {
    includeDirs: [protosOf('@google-cloud/dataproc'), protosOf('google-gax')],
    longs: String,
    enums: String,
    arrays: true,
    objects: true,
  },
)

function service(name: string): ServiceDefinition<UntypedServiceImplementation> {
  const definition = definitions[name]
  if (definition === undefined || 'format' in definition) throw new Error(`There is no service ${name}.`)
  return definition as ServiceDefinition<UntypedServiceImplementation>
}

/** The services, from the protos that the official client ships. */
export const services = {
  clusterController: service('google.cloud.dataproc.v1.ClusterController'),
  jobController: service('google.cloud.dataproc.v1.JobController'),
  operations: service('google.longrunning.Operations'),
}
