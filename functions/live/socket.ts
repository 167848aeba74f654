import type { SocketAnswer } from '@warmtoken/core/live'
import { sockets } from './composition.ts'

/** `$connect`, `$disconnect` and `$default`. */
export const handler: (event: unknown) => Promise<SocketAnswer> = sockets
