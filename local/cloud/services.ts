/** What a local cloud can consist of, in the order in which it is taken down. */
export const SERVICES = [
  'gateway',
  'worker',
  'dataproc',
  'bigquery',
  'temporal',
  'storage',
  'identity',
] as const
export type ServiceName = (typeof SERVICES)[number]

/** The ports of `npm run local`, so that bookmarks and scripts hold. */
export const WELL_KNOWN_PORTS = {
  temporal: 7233,
  temporalUi: 8233,
  gateway: 8080,
  storage: 9023,
  storageOfWorker: 9024,
  storageOfCluster: 9025,
  storageOfExporter: 9026,
  storageOfGateway: 9027,
  bigquery: 9050,
  dataproc: 9060,
  identity: 9070,
} as const
export type PortName = keyof typeof WELL_KNOWN_PORTS

/**
 * Reads a comma-separated list of services.
 * @throws Error that names the ones to choose from.
 */
export function parseServices(list: string): ServiceName[] {
  const names = list.split(',').map((name) => name.trim())
  for (const name of names) {
    if (!isService(name)) {
      throw new Error(`There is no service '${name}'. Choose from: ${[...SERVICES].sort().join(', ')}.`)
    }
  }
  return names.filter(isService)
}

function isService(name: string): name is ServiceName {
  return (SERVICES as readonly string[]).includes(name)
}
