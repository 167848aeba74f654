declare module 'dynalite' {
  import type { Server } from 'node:http'

  /** Makes a DynamoDB server that is not listening yet; without a path it keeps everything in memory. */
  export default function dynalite(options?: { readonly createTableMs?: number }): Server
}
