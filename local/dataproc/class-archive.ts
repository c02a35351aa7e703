import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where the archives are. */
export const archiveFolder = join(import.meta.dirname, '..', '..', '.local', 'class-archive')
/** The archive of the JRE's own classes. */
export const baseArchive = join(archiveFolder, 'base.jsa')
/** The archive of what a driver loads beside them. */
export const sparkArchive = join(archiveFolder, 'spark.jsa')

/** A mismatch only means that classes are loaded the slow way; the JVM's warning about it would end up in the job's output. */
export const QUIET = '-Xlog:disable'

/**
 * JVM options that load Spark's classes ready-made out of an archive, which takes a third off a small job's time. Empty
 * when no archive has been made; one that does not fit is ignored by the JVM.
 */
export function classArchiveOptions(): string {
  return existsSync(sparkArchive)
    ? `-Xshare:auto -XX:SharedArchiveFile="${baseArchive}:${sparkArchive}" ${QUIET}`
    : ''
}

/** The same for a JVM that loads other classes than a driver's. */
export function baseArchiveOptions(): string {
  return existsSync(baseArchive) ? `-Xshare:auto -XX:SharedArchiveFile="${baseArchive}" ${QUIET}` : ''
}
