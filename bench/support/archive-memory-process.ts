/** Describes and archives a batch on the given cloud, and prints the most memory that it took, in MiB. */

import { spawnSync } from 'node:child_process'
import pMap from 'p-map'
import { activityBench } from '../../test/support/activities.ts'
import { googleClientsOf } from '../../test/support/clients.ts'
import { putObject } from '../../test/support/objects.ts'

const [, script = '', environment = '{}', count = '0', folder] = process.argv
const env = JSON.parse(environment) as Record<string, string>
const cloud = { env, stateDir: '', get: (name: string) => env[name] ?? '', close: async () => undefined }
const google = googleClientsOf(cloud)
const rawPath = `gs://${cloud.get('RAW_BUCKET')}/memory-${count}/raw-1/`

if (folder === 'put') {
  const names = Array.from({ length: Number(count) }, (_, index) => `${rawPath}trips-${index}.json`)
  await pMap(names, (name) => putObject(google.storage, name, '{}\n'), { concurrency: 64 })
} else {
  // In another process, since what the upload took would count.
  const put = spawnSync(process.execPath, [script, environment, count, 'put'], { stdio: 'inherit' })
  if (put.status !== 0) throw new Error('The objects could not be put.')
  const { plan, call } = activityBench(cloud, google)
  const run = plan({ rawPath })
  const batch = await call('describeRawFiles', [run])
  const { files } = await call('archiveRawFiles', [run, batch])
  if (files !== Number(count)) throw new Error(`${files} of ${count} objects were archived.`)
  console.log(process.resourceUsage().maxRSS / 1024)
}
await google.close()
