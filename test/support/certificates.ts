import { runPython } from './python.ts'

/** A certificate and its private key, both in PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

/** What mutual TLS needs, made by two authorities that do not know each other. */
export interface Certificates {
  readonly authority: Certificate
  /** For the name `temporal.test`, and not for 127.0.0.1. */
  readonly server: Certificate
  readonly client: Certificate
  readonly otherAuthority: Certificate
  /** A client of the other authority. */
  readonly stranger: Certificate
}

const PROGRAM = `
import datetime, json
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

now = datetime.datetime.now(datetime.timezone.utc)

def make(name, issuer=None, names=()):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key

def pem(made):
    certificate, key = made
    return {
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    }

authority = make("Authority")
other = make("Other authority")
print(json.dumps({
    "authority": pem(authority),
    "server": pem(make("server", authority, ["temporal.test"])),
    "client": pem(make("client", authority)),
    "otherAuthority": pem(other),
    "stranger": pem(make("stranger", other)),
}))
`

/** Makes certificates that are valid for a day. */
export async function makeCertificates(): Promise<Certificates> {
  return JSON.parse(await runPython(PROGRAM))
}
