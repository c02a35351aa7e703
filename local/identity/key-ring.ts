import { randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

/** The keys of one issuer: signs with the newest one and publishes all that are still valid. */
export class KeyRing {
  readonly #algorithm: 'RS256' | 'ES256'
  /** Signs what must be refused: it is never published. */
  readonly #foreign: SigningKey
  #keys: SigningKey[]

  private constructor(algorithm: 'RS256' | 'ES256', first: SigningKey, foreign: SigningKey) {
    this.#algorithm = algorithm
    this.#keys = [first]
    this.#foreign = foreign
  }

  /** Generates the first key. Google signs its ID tokens with RS256, IAP its assertions with ES256. */
  static async create(algorithm: 'RS256' | 'ES256'): Promise<KeyRing> {
    const [first, foreign] = await Promise.all([generateKey(algorithm), generateKey(algorithm)])
    return new KeyRing(algorithm, first, foreign)
  }

  /** The JSON Web Key Set, newest key first. */
  get jwks(): { keys: JWK[] } {
    return { keys: this.#keys.map(({ jwk }) => jwk) }
  }

  /** Signs from now on with a new key. The old ones stay published unless they are withdrawn. */
  async rotate(withdrawOld: boolean): Promise<void> {
    const key = await generateKey(this.#algorithm)
    this.#keys = withdrawOld ? [key] : [key, ...this.#keys]
  }

  /** @param key `foreign`: claims the current key's id, but is signed by a key that was never published. */
  async sign(claims: JWTPayload, key: 'current' | 'foreign' = 'current'): Promise<string> {
    const current = this.#keys[0]
    if (current === undefined) throw new Error('The key ring is empty.')
    const signer = key === 'foreign' ? this.#foreign : current
    return new SignJWT(claims)
      .setProtectedHeader({ alg: this.#algorithm, kid: current.kid, typ: 'JWT' })
      .sign(signer.privateKey)
  }
}

async function generateKey(algorithm: 'RS256' | 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm)
  const kid = randomUUID().replaceAll('-', '')
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } }
}
