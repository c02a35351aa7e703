import type { FastifyReply, FastifyRequest } from 'fastify'

/**
 * Calls back once: when the request is answered, or its caller has gone away. A response that waits behind others on its
 * connection never learns of the latter, so the connection is listened to as well.
 */
export function whenGone(request: FastifyRequest, reply: FastifyReply, callback: () => void): void {
  const { socket } = request.raw
  const { raw } = reply
  const once = (): void => {
    raw.off('close', once)
    socket.off('close', once)
    callback()
  }
  if (raw.destroyed || socket.destroyed) {
    callback()
    return
  }
  raw.on('close', once)
  socket.on('close', once)
}
