import { createHash, X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'

/** Where users and systems name the authorities that they trust beyond the usual ones, such as a company's proxy. */
const VARIABLES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'PIP_CERT', 'CURL_CA_BUNDLE']
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
]

/** The bundled Java trusts only the authorities that it came with. This gives it the machine's as well. */
export function writeTrustStore(file) {
  const files = [...VARIABLES.map((name) => process.env[name]), ...SYSTEM_BUNDLES]
  const bundles = files.filter((path) => path && existsSync(path)).map((path) => readFileSync(path, 'utf8'))
  const certificates = [...rootCertificates, ...bundles.flatMap(splitBundle)].flatMap(toDer)
  const unique = new Map(certificates.map((der) => [der.toString('base64'), der]))
  writeFileSync(file, keyStore([...unique.values()]))
}

function splitBundle(text) {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
}

/** Bundles in the field hold certificates that no longer parse; those are no loss. */
function toDer(pem) {
  try {
    return [new X509Certificate(pem).raw]
  } catch {
    return []
  }
}

/**
 * A Java key store (JKS, version 2) of trusted certificates: magic number, version, count, then for each a tag, an
 * alias, a date, the kind and the certificate; at the end a digest keyed by the password.
 */
function keyStore(certificates) {
  const entries = certificates.map((der, index) =>
    Buffer.concat([
      uint32(2),
      text(`authority-${index}`),
      Buffer.alloc(8),
      text('X.509'),
      uint32(der.length),
      der,
    ]),
  )
  const body = Buffer.concat([uint32(0xfeedfeed), uint32(2), uint32(entries.length), ...entries])
  const password = Buffer.from('changeit', 'utf16le').swap16()
  const digest = createHash('sha1').update(password).update('Mighty Aphrodite').update(body).digest()
  return Buffer.concat([body, digest])
}

function uint32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function text(value) {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(value.length)
  return Buffer.concat([length, Buffer.from(value)])
}
