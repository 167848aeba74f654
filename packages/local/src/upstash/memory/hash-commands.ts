import type { Reply } from '../reply.ts'
import type { Arguments, CommandTable } from './command-table.ts'
import { parseInteger } from './command-table.ts'
import type { Keyspace } from './keyspace.ts'
import { readHash } from './keyspace.ts'
import { RedisError } from './redis-error.ts'

/** Commands on hashes. */
export const hashCommands: CommandTable = {
  HGET: { min: 2, max: 2, run: (args, keyspace) => readHash(keyspace, args.key(0))?.get(args.key(1)) ?? null },
  HSET: { min: 3, max: Infinity, run: hset },
  HMGET: { min: 2, max: Infinity, run: hmget },
  HGETALL: { min: 1, max: 1, run: hgetall },
  HDEL: { min: 2, max: Infinity, run: hdel },
  HEXISTS: {
    min: 2,
    max: 2,
    run: (args, keyspace) => Number(readHash(keyspace, args.key(0))?.has(args.key(1)) ?? false),
  },
  HLEN: { min: 1, max: 1, run: (args, keyspace) => readHash(keyspace, args.key(0))?.size ?? 0 },
  HINCRBY: { min: 3, max: 3, run: hincrby },
}

function hset(args: Arguments, keyspace: Keyspace): Reply {
  if (args.all.length % 2 === 0) throw new RedisError("ERR wrong number of arguments for 'hset' command")
  const fields = openHash(keyspace, args.key(0))
  const before = fields.size
  for (let at = 1; at < args.all.length; at += 2) fields.set(args.key(at), args.bytes(at + 1))
  return fields.size - before
}

function hmget(args: Arguments, keyspace: Keyspace): Reply {
  const fields = readHash(keyspace, args.key(0))
  return args.all.slice(1).map((field) => fields?.get(field.toString('latin1')) ?? null)
}

function hgetall(args: Arguments, keyspace: Keyspace): Reply {
  const fields = readHash(keyspace, args.key(0)) ?? new Map<string, Buffer>()
  return [...fields].flatMap(([field, value]) => [Buffer.from(field, 'latin1'), value])
}

function hdel(args: Arguments, keyspace: Keyspace): Reply {
  const key = args.key(0)
  const fields = readHash(keyspace, key)
  if (!fields) return 0
  const removed = args.all.slice(1).filter((field) => fields.delete(field.toString('latin1'))).length
  // A hash without fields does not exist in Redis.
  if (fields.size === 0) keyspace.delete(key)
  return removed
}

function hincrby(args: Arguments, keyspace: Keyspace): Reply {
  const amount = args.integer(2)
  const current = readHash(keyspace, args.key(0))?.get(args.key(1))
  const sum = readCounter(current) + amount
  if (!Number.isSafeInteger(sum)) throw new RedisError('ERR increment or decrement would overflow')
  openHash(keyspace, args.key(0)).set(args.key(1), Buffer.from(String(sum)))
  return sum
}

function readCounter(value: Buffer | undefined): number {
  if (value === undefined) return 0
  try {
    return parseInteger(value)
  } catch {
    throw new RedisError('ERR hash value is not an integer')
  }
}

function openHash(keyspace: Keyspace, key: string): Map<string, Buffer> {
  const existing = readHash(keyspace, key)
  if (existing) return existing
  const fields = new Map<string, Buffer>()
  keyspace.set(key, { kind: 'hash', fields })
  return fields
}
