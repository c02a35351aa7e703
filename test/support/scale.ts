/**
 * How much a test does: the usual amount in `npm test`, the full one in `npm run test:full`, which sets TEST_SCALE.
 * @returns one of the two
 */
export function scaled<T>(usual: T, full: T): T {
  return isFull() ? full : usual
}

/** True in `npm run test:full`. */
export function isFull(): boolean {
  return process.env['TEST_SCALE'] === 'full'
}
