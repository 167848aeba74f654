/** The part of `ws` that the tests use: a server of WebSockets. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage, Server } from 'node:http'

  export interface Socket extends EventEmitter {
    readonly protocol: string
    send(text: string): void
    close(): void
    terminate(): void
    on(event: 'message', listener: (data: Buffer) => void): this
    on(event: 'close' | 'error', listener: () => void): this
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: {
      server: Server
      handleProtocols?: (offered: Set<string>) => string | false
      verifyClient?: (
        info: { readonly req: IncomingMessage },
        done: (isGood: boolean, status?: number, message?: string) => void,
      ) => void
    })
    on(event: 'connection', listener: (socket: Socket, request: IncomingMessage) => void): this
    close(): void
  }
}
