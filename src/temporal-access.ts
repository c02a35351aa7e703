import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { types } from 'node:util'
import type { TLSConfig } from '@temporalio/client'
import {
  type ClientConfigProfile,
  type ClientConfigTLS,
  type ConfigDataSource,
  loadClientConfigProfile,
  loadConfigData,
} from '@temporalio/envconfig'
import { isLoopbackAddress } from './endpoints.ts'

/** How Temporal is reached, and as whom. */
export interface TemporalAccess {
  /** `host:port` */
  readonly address: string
  readonly namespace: string
  /** Absent: plain text. */
  readonly tls?: TLSConfig
  /** Sent with every call; only over TLS. */
  readonly apiKey?: string
  /** Headers of every call. */
  readonly metadata?: Readonly<Record<string, string>>
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Reads how Temporal is reached, by the variables and the profiles that Temporal's own tools know:
 * https://docs.temporal.io/references/client-environment-configuration. A file of profiles is read only when
 * `TEMPORAL_CONFIG_FILE` or `TEMPORAL_PROFILE` asks for one: a service does not take on what lies in a home directory.
 * Certificates and keys are read, and checked to belong together, here and not at the first call.
 * @returns with the access one sentence for each fault; whoever finds some refuses the access
 */
export function readTemporalAccess(env: Env): {
  readonly access: TemporalAccess
  readonly faults: readonly string[]
} {
  const faults: string[] = []
  const profile = loadProfile(env, faults)
  const address = profile.address ?? '127.0.0.1:7233'
  if (address.includes('/'))
    faults.push(`TEMPORAL_ADDRESS ${address} is not host:port; leave out what is before and after`)
  const tls = tlsOf(profile, faults)
  if (profile.apiKey !== undefined && tls === undefined) {
    faults.push('TEMPORAL_API_KEY would be sent in plain text, since TEMPORAL_TLS turns TLS off')
  }
  if (tls === undefined) faults.push(...plainHeaderFaults(profile, address))
  const access = {
    address,
    namespace: profile.namespace ?? 'default',
    ...(tls && { tls }),
    ...(profile.apiKey && { apiKey: profile.apiKey }),
    ...(profile.grpcMeta && { metadata: profile.grpcMeta }),
  }
  return { access, faults }
}

/** Any header may be a secret; to this very machine only those go in plain text that do not say that they are one. */
function plainHeaderFaults({ grpcMeta = {} }: ClientConfigProfile, address: string): readonly string[] {
  return Object.keys(grpcMeta)
    .filter((name) => /authorization/i.test(name) || !isLoopbackAddress(address))
    .map((name) => {
      const variable = `TEMPORAL_GRPC_META_${name.toUpperCase().replaceAll('-', '_')}`
      return `${variable} would be sent in plain text to ${address}, since TLS is off; set TEMPORAL_TLS=true`
    })
}

function loadProfile(env: Env, faults: string[]): ClientConfigProfile {
  // A variable that is set to nothing counts as absent here as everywhere; to the library it would be a value.
  const overrideEnvVars = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  )
  const { TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: name } = overrideEnvVars
  try {
    return loadClientConfigProfile({
      overrideEnvVars,
      disableFile: file === undefined && name === undefined,
      // The library takes a file that is not there for an empty one.
      ...(file && { configSource: { data: readFileSync(file) } }),
      configFileStrict: true,
    })
  } catch (error) {
    faults.push(`${file ? `TEMPORAL_CONFIG_FILE ${file}` : `TEMPORAL_PROFILE ${name}`}: ${reasonOf(error)}`)
    return {}
  }
}

function tlsOf({ tls, apiKey }: ClientConfigProfile, faults: string[]): TLSConfig | undefined {
  if (tls?.disabled === true || (tls === undefined && apiKey === undefined)) return undefined
  const { serverName, serverCACert, clientCert, clientKey }: ClientConfigTLS = tls ?? {}
  const authority = load('SERVER_CA_CERT', serverCACert, faults, (pem) => new X509Certificate(pem))
  const certificate = load('CLIENT_CERT', clientCert, faults, (pem) => new X509Certificate(pem))
  const key = load('CLIENT_KEY', clientKey, faults, (pem) => createPrivateKey(Buffer.from(pem)))
  if ((clientCert === undefined) !== (clientKey === undefined)) {
    const [given, missing] = clientCert ? ['CERT', 'KEY'] : ['KEY', 'CERT']
    faults.push(
      `TEMPORAL_TLS_CLIENT_${missing}_PATH is missing: TEMPORAL_TLS_CLIENT_${given} is of no use without it`,
    )
  }
  if (certificate && key && !certificate.parsed.checkPrivateKey(key.parsed)) {
    faults.push('TEMPORAL_TLS_CLIENT_KEY is not the key of TEMPORAL_TLS_CLIENT_CERT')
  }
  return {
    ...(serverName && { serverNameOverride: serverName }),
    ...(authority && { serverRootCACertificate: authority.pem }),
    ...(certificate && key && { clientCertPair: { crt: certificate.pem, key: key.pem } }),
  }
}

/** Loads a PEM file or text; what is wrong with it is a fault of the variable. */
function load<T>(
  variable: string,
  source: ConfigDataSource | undefined,
  faults: string[],
  parse: (pem: Uint8Array) => T,
): { readonly pem: Uint8Array; readonly parsed: T } | undefined {
  if (source === undefined) return undefined
  const where = `TEMPORAL_TLS_${variable}${'path' in source ? `_PATH ${source.path}` : '_DATA'}`
  let pem: Uint8Array | undefined
  try {
    pem = loadConfigData(source)
  } catch (error) {
    faults.push(`${where} cannot be read: ${reasonOf(error)}`)
  }
  if (pem === undefined) return undefined
  try {
    return { pem, parsed: parse(pem) }
  } catch (error) {
    const what = variable === 'CLIENT_KEY' ? 'a private key without a passphrase' : 'a certificate'
    faults.push(`${where} is not ${what}, in PEM: ${reasonOf(error)}`)
    return undefined
  }
}

function reasonOf(error: unknown): string {
  // The library looks for profiles without looking whether there are any.
  if (types.isNativeError(error) && error.name === 'TypeError') return 'it has no table [profile.<name>]'
  return types.isNativeError(error) ? error.message : String(error)
}
