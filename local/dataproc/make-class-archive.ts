import { startStorage } from '../storage/storage.ts'
import { classArchiveIsCurrent, makeClassArchive } from './class-archive.ts'
import { ServiceStorage } from './service-storage.ts'

/** Set-up's step: makes the archive of Spark's classes unless there is a current one. Some twenty seconds. */
if (!classArchiveIsCurrent()) {
  const storage = await startStorage({})
  try {
    await new ServiceStorage(storage.endpoint).makeBucket('training', 'training')
    await makeClassArchive(storage.endpoint)
  } finally {
    await storage.close()
  }
}
