import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server on which answers can be held up. */
export interface HeldLine {
  /** `host:port` in the server's place. */
  readonly address: string
  /** From now on answers wait; requests still arrive. */
  hold(): void
  /** What waited goes out, and all that follows. */
  release(): void
  close(): Promise<void>
}

/** Opens one. @param target `host:port` */
export async function openHeldLine(target: string): Promise<HeldLine> {
  const [host = '', port] = target.split(':')
  const lines = new Map<Socket, Socket>()
  let held = false
  const server = createServer((near) => {
    const far = connect(Number(port), host)
    lines.set(near, far)
    for (const socket of [near, far]) socket.on('error', () => undefined)
    near.pipe(far)
    if (!held) far.pipe(near)
    near.once('close', () => {
      lines.delete(near)
      far.destroy()
    })
    far.once('close', () => near.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold() {
      held = true
      for (const [near, far] of lines) far.unpipe(near).pause()
    },
    release() {
      held = false
      for (const [near, far] of lines) far.pipe(near)
    },
    async close() {
      for (const near of lines.keys()) near.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
