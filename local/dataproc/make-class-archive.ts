import { join } from 'node:path'
import { startStorage } from '../storage/storage.ts'
import { makeClassArchive } from './class-archive.ts'
import { ServiceStorage } from './service-storage.ts'

const SCRIPT = join(import.meta.dirname, '..', '..', 'spark', 'spark_avg_speed.py')
const BUCKET = 'gs://training'
const LINES = [
  '{"vendor_id":"2","pickup_datetime":"2019-03-23 21:00:01 UTC","dropoff_datetime":"2019-03-23 21:07:28 UTC","trip_distance":2.3,"passenger_count":"1"}',
  // A reject, so that what deals with rejects is in the archive too.
  '{"trip_distance":"far"}',
]

// Set-up runs this when there is no archive, or an old one.
const storage = await startStorage({})
try {
  const files = new ServiceStorage(storage.endpoint)
  await files.write('training', `${BUCKET}/raw-1/trips.json`, LINES.join('\n'))
  await makeClassArchive(storage.endpoint, SCRIPT, [
    `--gcs_path_raw=${BUCKET}/raw-1/`,
    `--gcs_path_transformed=${BUCKET}/transformed-1/`,
    `--gcs_path_rejected=${BUCKET}/rejected-1/`,
  ])
} finally {
  await storage.close()
}
