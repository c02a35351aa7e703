import { randomInt } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'

// Below the ports that systems hand out for outgoing connections (from 32768 on Linux, 49152 elsewhere): one of those can
// be taken between our look and the program's start.
const LOWEST = 20_000
const HIGHEST = 32_000
const TRIES = 50

/**
 * A port that is free now, for programs that cannot take port 0 themselves.
 * @param preferred taken if it is free.
 */
export async function freePort(host = '127.0.0.1', preferred = 0): Promise<number> {
  if (preferred !== 0 && (await tryPort(host, preferred)) !== undefined) return preferred
  for (let i = 0; i < TRIES; i++) {
    const port = await tryPort(host, randomInt(LOWEST, HIGHEST))
    if (port !== undefined) return port
  }
  throw new Error(`No port is free on ${host}.`)
}

function tryPort(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, host, () => {
      const taken = (server.address() as AddressInfo).port
      server.close(() => resolve(taken))
    })
  })
}
