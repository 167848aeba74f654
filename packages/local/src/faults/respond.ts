import type { ServerResponse } from 'node:http'
import type { Fault } from './fault.ts'
import type { Answer } from './forward.ts'

/** Passes an answer on, header for header. */
export function respond(response: ServerResponse, answer: Answer): void {
  writeHead(response, answer)
  response.end(answer.body)
}

/** Passes the headers and half of the body on, then cuts the connection. */
export function respondHalf(response: ServerResponse, answer: Answer): void {
  const half = answer.body.subarray(0, Math.floor(answer.body.length / 2))
  // Without a body the headers alone would be a whole answer.
  if (half.length === 0) {
    reset(response)
    return
  }
  writeHead(response, answer)
  response.write(half, () => response.destroy())
}

/** Cuts the connection so that the client sees ECONNRESET, as from a broken network; destroy() alone sends a FIN. */
export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

/** Sends the answer that a `status` fault stands for. */
export function respondStatus(response: ServerResponse, fault: Extract<Fault, { kind: 'status' }>): void {
  const body = fault.body ?? ''
  response.writeHead(fault.status, { 'content-length': Buffer.byteLength(body), ...fault.headers })
  response.end(body)
}

function writeHead(response: ServerResponse, answer: Answer): void {
  // The Date that counts is the server's; without one, none is made up.
  response.sendDate = false
  response.writeHead(answer.status, answer.statusMessage, [...answer.rawHeaders])
}
