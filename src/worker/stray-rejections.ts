import type { Logger } from 'pino'

/**
 * Keeps the worker alive when the client of Cloud Storage gives up one request of a download and repeats it: the request that
 * it has given up then rejects a promise that nobody holds (teeny-request pipes into a stream that is destroyed already),
 * which would end the process, and with it all that it watches. The download itself goes on, or fails by its own error.
 * Any other rejection that nobody handles is a mistake of ours, and ends the process as it always does.
 */
export function surviveAbandonedDownloads(logger: Pick<Logger, 'warn'>): void {
  process.on('unhandledRejection', (reason) => {
    if ((reason as { readonly code?: unknown } | null)?.code !== 'ERR_STREAM_UNABLE_TO_PIPE') throw reason
    logger.warn('a request of a download was given up, and is repeated')
  })
}
