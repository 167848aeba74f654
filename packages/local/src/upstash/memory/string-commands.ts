import type { Reply } from '../reply.ts'
import { OK } from '../reply.ts'
import type { Arguments, CommandTable } from './command-table.ts'
import { parseInteger } from './command-table.ts'
import type { Keyspace } from './keyspace.ts'
import { readString } from './keyspace.ts'
import { RedisError, syntaxError } from './redis-error.ts'

/** GET, SET, MGET and counting. */
export const stringCommands: CommandTable = {
  GET: { min: 1, max: 1, run: (args, keyspace) => readString(keyspace, args.key(0)) ?? null },
  MGET: {
    min: 1,
    max: Infinity,
    run: (args, keyspace) => args.all.map((_, at) => stringOrNull(keyspace, args.key(at))),
  },
  SET: { min: 2, max: Infinity, run: set },
  INCR: { min: 1, max: 1, run: (args, keyspace) => add(keyspace, args.key(0), 1) },
  DECR: { min: 1, max: 1, run: (args, keyspace) => add(keyspace, args.key(0), -1) },
  INCRBY: { min: 2, max: 2, run: (args, keyspace) => add(keyspace, args.key(0), args.integer(1)) },
}

interface SetOptions {
  readonly condition: 'NX' | 'XX' | undefined
  readonly returnOld: boolean
  readonly expiry: number | undefined
}

function set(args: Arguments, keyspace: Keyspace): Reply {
  const key = args.key(0)
  const options = readSetOptions(args, keyspace)
  // Only GET cares what kind of value is replaced.
  const old = options.returnOld ? readString(keyspace, key) : undefined
  const exists = keyspace.get(key) !== undefined
  const allowed = options.condition === undefined || (options.condition === 'XX') === exists
  if (allowed) keyspace.set(key, { kind: 'string', data: args.bytes(1) }, options.expiry)
  if (options.returnOld) return old ?? null
  return allowed ? OK : null
}

function readSetOptions(args: Arguments, keyspace: Keyspace): SetOptions {
  let condition: SetOptions['condition']
  let returnOld = false
  let expiry: number | undefined
  let lifetimes = 0
  for (let at = 2; at < args.all.length; at++) {
    const name = args.key(at).toUpperCase()
    if (name === 'GET') returnOld = true
    else if ((name === 'NX' || name === 'XX') && condition !== (name === 'NX' ? 'XX' : 'NX')) condition = name
    else if (name === 'KEEPTTL') {
      expiry = keyspace.expiry(args.key(0))
      lifetimes += 1
    } else {
      at += 1
      if (at >= args.all.length) throw syntaxError()
      expiry = readLifetime(name, args.integer(at), keyspace.now())
      lifetimes += 1
    }
  }
  if (lifetimes > 1) throw syntaxError()
  return { condition, returnOld, expiry }
}

function readLifetime(name: string, amount: number, now: number): number {
  const instants: Readonly<Record<string, number>> = {
    EX: now + amount * 1000,
    PX: now + amount,
    EXAT: amount * 1000,
    PXAT: amount,
  }
  const expiry = instants[name]
  if (expiry === undefined) throw syntaxError()
  if (amount <= 0) throw new RedisError("ERR invalid expire time in 'set' command")
  return expiry
}

function add(keyspace: Keyspace, key: string, amount: number): number {
  const sum = parseInteger(readString(keyspace, key) ?? Buffer.from('0')) + amount
  if (!Number.isSafeInteger(sum)) throw new RedisError('ERR increment or decrement would overflow')
  keyspace.set(key, { kind: 'string', data: Buffer.from(String(sum)) }, keyspace.expiry(key))
  return sum
}

function stringOrNull(keyspace: Keyspace, key: string): Buffer | null {
  const value = keyspace.get(key)
  return value?.kind === 'string' ? value.data : null
}
