/** What one connection may take of a server's time and memory. */

/** Times of a connection, in milliseconds. */
export interface ConnectionTimes {
  /** From its opening, or the end of the request before, to the end of a request's headers. */
  readonly headers: number
  /** The same to the end of the whole request. */
  readonly request: number
  /** How often connections are looked at: how much later than that they are closed. */
  readonly checks: number
}

// A trigger is a few hundred bytes. Node looks for connections that are too slow every half a minute unless it is told.
export const CONNECTION_TIMES: ConnectionTimes = { headers: 10_000, request: 15_000, checks: 500 }

/**
 * Fewer than the 1,024 files that a process may have open on most systems, so that the connection to Temporal and the log
 * find room.
 */
export const MAX_CONNECTIONS = 900

/** Those of the metrics' server; Prometheus needs one or two. */
export const MAX_SCRAPERS = 20

/** The same as options of Fastify; the number of connections is the server's own. */
export function serverOptions({ headers, request, checks }: ConnectionTimes = CONNECTION_TIMES) {
  return {
    requestTimeout: request,
    connectionTimeout: 30_000,
    // Longer than load balancers keep a connection without requests, mostly a minute; it ends sooner when few are left.
    keepAliveTimeout: 72_000,
    http: { maxHeaderSize: 16 * 1024, headersTimeout: headers, connectionsCheckingInterval: checks },
  } as const
}
