import { createHmac, timingSafeEqual } from 'node:crypto'

/** HMAC-SHA256 under the gateway's secret. The parts are kept apart, so that no two lists of them are one text. */
export function keyedDigest(secret: string, ...parts: readonly (string | Uint8Array)[]): Buffer {
  const hmac = createHmac('sha256', secret)
  for (const [i, part] of parts.entries()) {
    if (i > 0) hmac.update('\0')
    hmac.update(part)
  }
  return hmac.digest()
}

/** Compares in a time that tells nothing of where two digests differ. */
export function isSameDigest(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

/**
 * What stands for a caller in the search attribute `Owner`, which others may read: the beginning of the keyed digest of
 * the e-mail address, 32 hexadecimal digits.
 */
export function pseudonymOf(email: string, secret: string): string {
  return keyedDigest(secret, email).toString('hex').slice(0, 32)
}
