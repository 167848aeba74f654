import type { Command, ErrorReply, Reply } from './reply.ts'

/** What the REST front needs of a Redis: the in-memory one and a real server both provide it. */
export interface RedisBackend {
  /** Resolves to the reply, which may be an error reply; rejects only when the backend cannot be reached. */
  execute(command: Command): Promise<Reply>
  /** Applies all commands without anything in between; resolves to an error reply when one could not be queued. */
  transaction(commands: readonly Command[]): Promise<readonly Reply[] | ErrorReply>
  /** Calls `listener` for each message on the channel until the function it resolves to is called. */
  subscribe(channel: Buffer, listener: (payload: Buffer) => void): Promise<() => void>
  /** Frees what the backend holds. */
  close(): void
}

/** The error reply for a transaction that holds a command which could not be queued. */
export const DISCARDED: ErrorReply = { error: 'EXECABORT Transaction discarded because of previous errors.' }
