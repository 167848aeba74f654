import { type BatchAnswer, streamHandler, type Timed } from '@warmtoken/core/live'
import { publisher, table } from './composition.ts'

/** The table's stream: publishes again what was announced with each write. */
export const handler: (event: unknown, context?: Timed) => Promise<BatchAnswer> = streamHandler({
  publisher,
  store: table,
})
