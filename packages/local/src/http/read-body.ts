import type { IncomingMessage } from 'node:http'

/** Thrown when a request body is longer than the server takes. */
export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError'
}

/** Thrown when the client went away before its whole body had arrived. */
export class BodyAbortedError extends Error {
  override readonly name = 'BodyAbortedError'
}

/**
 * Reads a whole request body.
 *
 * @throws BodyTooLargeError when it exceeds `limit` bytes.
 * @throws BodyAbortedError when the connection breaks first.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new BodyTooLargeError(tooLarge(limit))
  return await new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let length = 0
    request.on('data', (piece: Buffer) => {
      length += piece.length
      if (length > limit) {
        request.removeAllListeners('data')
        // The rest is read and dropped: an answer sent into unread data would be lost in a connection reset.
        request.resume()
        reject(new BodyTooLargeError(tooLarge(limit)))
        return
      }
      pieces.push(piece)
    })
    request.on('end', () => resolve(Buffer.concat(pieces)))
    const gone = (): void => {
      // A request closes after its end too; an error made then, for nobody, is a tenth of what a small request costs.
      if (!request.readableEnded) reject(new BodyAbortedError('The client went away'))
    }
    request.on('error', gone)
    request.on('close', gone)
  })
}

function tooLarge(limit: number): string {
  return `The request body is longer than ${limit} bytes`
}
