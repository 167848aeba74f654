import type { Server } from 'node:http'

/** Answers requests that are not HTTP with a plain 400 instead of letting the socket error reach the process. */
export function refuseMalformed(server: Server): void {
  server.on('clientError', (_error, socket) => {
    if (!socket.writable) {
      socket.destroy()
      return
    }
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })
}
