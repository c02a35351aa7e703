import { type AddressInfo, createServer } from 'node:net'

/**
 * A port that is free now, for programs that cannot take port 0 themselves.
 * @param preferred taken if it is free.
 */
export async function freePort(host = '127.0.0.1', preferred = 0): Promise<number> {
  return (
    (await tryPort(host, preferred)) ??
    (await tryPort(host, 0)) ??
    Promise.reject(new Error(`No port is free on ${host}.`))
  )
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
