/** Which hosts are Google's, and which may be sent a credential or believed about a key: the one place that decides it. */

/**
 * True for Google's own APIs, which alone are sent the deployment's credentials: https, a host below `googleapis.com`, the
 * usual port. What parsers read in different ways (a user name, upper case, a backslash, an encoding) is nobody's.
 */
export function isGoogle(endpoint: string): boolean {
  const url = plainUrl(endpoint)
  return (
    url?.protocol === 'https:' && url.port === '' && /^([a-z0-9-]+\.)*googleapis\.com$/.test(url.hostname)
  )
}

/** The endpoint of a gRPC API as a URL: without a scheme it is `host:port`, by TLS. */
export function grpcUrl(endpoint: string): string {
  return endpoint.includes('://') ? endpoint : `https://${endpoint}`
}

/**
 * What is wrong with the URL of an API or of a key set, to follow the variable's name.
 * Plain http is for a stand-in: on this machine, or on one whose name has no dot, as only the names in a private network are.
 */
export function endpointFault(endpoint: string): string | undefined {
  const url = plainUrl(endpoint)
  if (url === undefined) return 'is not a plain https:// URL'
  if (endpoint.includes('googleapis') && !isGoogle(endpoint)) {
    return "looks like one of Google's, but is not https:// on a host below googleapis.com"
  }
  const isPrivate = isLoopback(url) || /^[a-z0-9-]*[a-z][a-z0-9-]*$/.test(url.hostname)
  return url.protocol === 'http:' && !isPrivate ? 'is plain http to another machine; use https' : undefined
}

/** What keeps a URL from being sent a token or a key, to follow its name: only https, or this very machine, may be. */
export function credentialUrlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'is not a URL'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return 'holds a user name or a password'
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))) return undefined
  return 'is neither https nor http on this machine'
}

/** What keeps a URL from being sent a credential of Google's, to follow its name: only Google, or this very machine, may be. */
export function googleUrlFault(text: string): string | undefined {
  // No path, whatever is in it, makes the host another: it begins at the first slash after the host.
  const [, origin = ''] = /^(https?:\/\/[a-z0-9.:[\]-]+)(\/[A-Za-z0-9._~%@:+/-]*)?$/.exec(text) ?? []
  const url = plainUrl(origin)
  if (isGoogle(origin) || (url !== undefined && isLoopback(url))) return undefined
  return 'is neither https on a host below googleapis.com nor on this machine'
}

/** True for a `host:port` on this very machine. */
export function isLoopbackAddress(address: string): boolean {
  const url = plainUrl(`http://${address}`)
  return url !== undefined && isLoopback(url)
}

/** True when both are read as the same host, whoever reads. */
function plainUrl(text: string): URL | undefined {
  const isPlain = /^https?:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?(\/[A-Za-z0-9._~/-]*)?$/.test(text)
  return isPlain && URL.canParse(text) ? new URL(text) : undefined
}

function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}
