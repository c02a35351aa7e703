import { once } from 'node:events'
import { type ConnectionOptions, connect } from 'node:tls'
import { types } from 'node:util'
import { isGrpcServiceError } from '@temporalio/client'
import type { TemporalAccess } from './temporal-access.ts'

// gRPC's codes: https://grpc.io/docs/guides/status-codes/
const PERMISSION_DENIED = 7
const UNAUTHENTICATED = 16
const NOT_FOUND = 5

/** Longest look at why no connection came about, in milliseconds. */
const PROBE_MS = 3_000

const CLOSED = 'CLOSED'

/** What is known of an error of TLS; OpenSSL's own have a short reason beside a message full of its places in C. */
type TlsError = NodeJS.ErrnoException & { readonly reason?: string }

/** Temporal cannot be used as it is configured. The message says why, and which variable to look at. */
export class TemporalUnusable extends Error {
  override readonly name = 'TemporalUnusable'
}

/**
 * What an error of connecting to Temporal, or of the first calls, means to the operator. The libraries only say that no
 * connection came about in time, so TLS is tried once more by hand to learn why.
 */
export async function explainTemporalFailure(
  access: TemporalAccess,
  error: unknown,
): Promise<TemporalUnusable> {
  const where = `Temporal at ${access.address}`
  const say = (text: string): TemporalUnusable => new TemporalUnusable(`${where} ${text}`, { cause: error })
  const refusal = grpcErrorOf(error)
  switch (refusal?.code) {
    case PERMISSION_DENIED:
    case UNAUTHENTICATED:
      return say(
        `refused this client: ${refusal.details} Check ${credentialOf(access)}, and that it may use the namespace ${access.namespace}.`,
      )
    case NOT_FOUND:
      return say(`has no namespace ${access.namespace}. Check TEMPORAL_NAMESPACE, or make it.`)
    default:
      return say(`cannot be used: ${(await whyNoConnection(access)) ?? refusal?.details ?? messageOf(error)}`)
  }
}

function credentialOf({ apiKey, tls }: TemporalAccess): string {
  if (apiKey !== undefined) return 'TEMPORAL_API_KEY'
  return tls?.clientCertPair ? 'TEMPORAL_TLS_CLIENT_CERT_PATH' : 'whether it wants TEMPORAL_API_KEY'
}

/** The reason, with what to do about it; nothing if the server can be reached. */
async function whyNoConnection({ address, tls }: TemporalAccess): Promise<string | undefined> {
  const { hostname, port } = new URL(`tcp://${address}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  const name = tls?.serverNameOverride ?? host
  const error = await probe({
    host,
    port: Number(port || 7233),
    servername: /^[\d.]+$|:/.test(name) ? '' : name,
    ALPNProtocols: ['h2'],
    ...(tls?.serverRootCACertificate && { ca: Buffer.from(tls.serverRootCACertificate) }),
    ...(tls?.clientCertPair && {
      cert: Buffer.from(tls.clientCertPair.crt),
      key: Buffer.from(tls.clientCertPair.key),
    }),
    // Without TLS the only question is whether the server speaks it.
    ...(tls === undefined && { rejectUnauthorized: false }),
  })
  const reason = error && `${error.reason ?? error.message}. ${adviceFor(error)}`
  if (tls !== undefined) return reason
  if (error === undefined || isAlert(error)) return 'it speaks TLS. Set TEMPORAL_TLS to true.'
  return ['connect', 'getaddrinfo'].includes(error.syscall ?? '') ? reason : undefined
}

/** Says hello by TLS and waits for the server's first word, since a refused client certificate shows only there. */
async function probe(options: ConnectionOptions): Promise<TlsError | undefined> {
  const signal = AbortSignal.timeout(PROBE_MS)
  const socket = connect(options)
  try {
    await Promise.race([
      once(socket, 'data', { signal }),
      once(socket, 'end', { signal }).then(() => {
        throw Object.assign(new Error('it closed the connection'), { code: CLOSED })
      }),
    ])
    return undefined
  } catch (error) {
    if (signal.aborted) return new Error(`it did not answer within ${PROBE_MS / 1000} seconds`)
    return types.isNativeError(error) ? error : new Error(String(error))
  } finally {
    socket.destroy()
  }
}

function adviceFor({ code = '' }: NodeJS.ErrnoException): string {
  if (/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(code)) {
    return "Set TEMPORAL_TLS_SERVER_CA_CERT_PATH to the authority that signed the server's certificate."
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return "Set TEMPORAL_TLS_SERVER_NAME to a name in the server's certificate."
  }
  // Some servers say that they refuse a certificate, some only close.
  if (isAlert({ code }) || code === CLOSED) {
    return "If the server refuses this client's certificate, or the lack of one, check TEMPORAL_TLS_CLIENT_CERT_PATH."
  }
  if (/^(ERR_SSL|EPROTO)/.test(code))
    return 'It does not speak TLS there: check TEMPORAL_ADDRESS, or set TEMPORAL_TLS to false.'
  return 'Check TEMPORAL_ADDRESS.'
}

/** The server has spoken TLS, and said no. */
function isAlert({ code }: Pick<NodeJS.ErrnoException, 'code'>): boolean {
  return code?.includes('_ALERT_') ?? false
}

function grpcErrorOf(error: unknown): { readonly code: number; readonly details: string } | undefined {
  if (isGrpcServiceError(error)) return error
  return types.isNativeError(error) && error.cause !== undefined ? grpcErrorOf(error.cause) : undefined
}

function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : String(error)
}
