/** Describes and archives a batch on the given cloud, and prints the most memory that it took, in MiB. */

import { activityBench } from '../../test/support/activities.ts'
import { googleClientsOf } from '../../test/support/clients.ts'

const [, , environment = '{}', rawPath = '', count = '0'] = process.argv
const env = JSON.parse(environment) as Record<string, string>
const cloud = { env, stateDir: '', get: (name: string) => env[name] ?? '', close: async () => undefined }
const google = googleClientsOf(cloud)
const { plan, call } = activityBench(cloud, google)
const run = plan({ rawPath })
await call('describeRawFiles', [run])
const { files } = await call('archiveRawFiles', [run])
if (files !== Number(count)) throw new Error(`${files} of ${count} objects were archived.`)
console.log(process.resourceUsage().maxRSS / 1024)
await google.close()
