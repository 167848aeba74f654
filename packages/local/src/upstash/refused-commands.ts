import type { Command } from './reply.ts'
import { commandName } from './reply.ts'
import { RestError } from './rest-error.ts'

// They change the connection, block it or touch the server itself: none makes sense over HTTP.
const REFUSED = new Set(
  `AUTH HELLO SELECT QUIT RESET CLIENT ASKING READONLY READWRITE
  MULTI EXEC DISCARD WATCH UNWATCH
  BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF
  SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR
  CONFIG DEBUG SHUTDOWN SAVE BGSAVE BGREWRITEAOF REPLICAOF SLAVEOF SYNC PSYNC REPLCONF FAILOVER CLUSTER MODULE ACL
  LATENCY MEMORY SLOWLOG SWAPDB MIGRATE`
    .split(/\s+/)
    .filter((name) => name !== ''),
)

/** Throws RestError 400 for a command that is not offered over HTTP, and for a read that would block. */
export function refuseCommand(command: Command): void {
  const name = commandName(command)
  const blocks = (name === 'XREAD' || name === 'XREADGROUP') && command.some((word) => /^block$/i.test(word.toString()))
  if (REFUSED.has(name) || blocks) {
    throw new RestError(400, `ERR Command is not available: '${name}'. It cannot be used over HTTP.`)
  }
}
