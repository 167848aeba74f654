import type { Reply } from '../reply.ts'
import { OK } from '../reply.ts'
import type { Arguments, CommandSpec, CommandTable } from './command-table.ts'
import { globPattern } from './glob.ts'
import type { Keyspace } from './keyspace.ts'
import { RedisError } from './redis-error.ts'

/** Commands on keys of any kind, and on the server. */
export const keyCommands: CommandTable = {
  DEL: { min: 1, max: Infinity, run: (args, keyspace) => count(args, (key) => keyspace.delete(key)) },
  EXISTS: { min: 1, max: Infinity, run: (args, keyspace) => count(args, (key) => keyspace.get(key) !== undefined) },
  TYPE: { min: 1, max: 1, run: (args, keyspace) => ({ status: keyspace.get(args.key(0))?.kind ?? 'none' }) },
  KEYS: { min: 1, max: 1, run: keys },
  SCAN: { min: 1, max: 7, run: scan },
  EXPIRE: expireCommand('expire', (amount, now) => now + amount * 1000),
  PEXPIRE: expireCommand('pexpire', (amount, now) => now + amount),
  EXPIREAT: expireCommand('expireat', (amount) => amount * 1000),
  PEXPIREAT: expireCommand('pexpireat', (amount) => amount),
  PERSIST: { min: 1, max: 1, run: persist },
  TTL: { min: 1, max: 1, run: (args, keyspace) => lifetime(args, keyspace, 1000) },
  PTTL: { min: 1, max: 1, run: (args, keyspace) => lifetime(args, keyspace, 1) },
  FLUSHALL: { min: 0, max: 1, run: flush },
  FLUSHDB: { min: 0, max: 1, run: flush },
  DBSIZE: { min: 0, max: 0, run: (_args, keyspace) => keyspace.keys().length },
  PING: { min: 0, max: 1, run: (args) => (args.all.length === 0 ? { status: 'PONG' } : args.bytes(0)) },
  ECHO: { min: 1, max: 1, run: (args) => args.bytes(0) },
  TIME: { min: 0, max: 0, run: (_args, keyspace) => time(keyspace.now()) },
}

type Comparison = (key: { readonly current: number | undefined; readonly next: number }) => boolean

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  NX: ({ current }) => current === undefined,
  XX: ({ current }) => current !== undefined,
  // A key without expiry counts as one that expires never, i.e. later than any instant.
  GT: ({ current, next }) => current !== undefined && next > current,
  LT: ({ current, next }) => current === undefined || next < current,
}

function expireCommand(name: string, instantOf: (amount: number, now: number) => number): CommandSpec {
  const run = (args: Arguments, keyspace: Keyspace): Reply => {
    const next = instantOf(args.integer(1), keyspace.now())
    if (!Number.isSafeInteger(next)) throw new RedisError(`ERR invalid expire time in '${name}' command`)
    const options = args.all.slice(2).map((option) => option.toString('latin1'))
    const comparisons = options.map((option) => {
      const comparison = COMPARISONS[option.toUpperCase()]
      if (!comparison) throw new RedisError(`ERR Unsupported option ${option}`)
      return comparison
    })
    const key = args.key(0)
    if (keyspace.get(key) === undefined) return 0
    const current = keyspace.expiry(key)
    if (!comparisons.every((holds) => holds({ current, next }))) return 0
    keyspace.setExpiry(key, next)
    return 1
  }
  return { min: 2, max: 4, run }
}

function persist(args: Arguments, keyspace: Keyspace): Reply {
  const key = args.key(0)
  if (keyspace.expiry(key) === undefined) return 0
  keyspace.setExpiry(key, undefined)
  return 1
}

function lifetime(args: Arguments, keyspace: Keyspace, unit: number): number {
  const key = args.key(0)
  if (keyspace.get(key) === undefined) return -2
  const expiry = keyspace.expiry(key)
  if (expiry === undefined) return -1
  return Math.floor((expiry - keyspace.now() + unit / 2) / unit)
}

function keys(args: Arguments, keyspace: Keyspace): Reply {
  const pattern = globPattern(args.key(0))
  return keyspace
    .keys()
    .filter((key) => pattern.test(key))
    .map((key) => Buffer.from(key, 'latin1'))
}

/** All in one page, as Redis may: a page is as long as it wants. */
function scan(args: Arguments, keyspace: Keyspace): Reply {
  if (args.integer(0) !== 0) throw new RedisError('ERR invalid cursor')
  let found = keyspace.keys()
  for (let index = 1; index < args.all.length; index += 2) {
    const option = args.key(index).toUpperCase()
    if (!['MATCH', 'COUNT', 'TYPE'].includes(option) || args.all.length <= index + 1)
      throw new RedisError('ERR syntax error')
    if (option === 'COUNT' && args.integer(index + 1) < 1) throw new RedisError('ERR syntax error')
    const pattern = option === 'MATCH' ? globPattern(args.key(index + 1)) : /^/
    const kind = option === 'TYPE' ? args.key(index + 1) : undefined
    found = found.filter((key) => pattern.test(key) && (kind === undefined || keyspace.get(key)?.kind === kind))
  }
  return [Buffer.from('0'), found.map((key) => Buffer.from(key, 'latin1'))]
}

function flush(_args: Arguments, keyspace: Keyspace): Reply {
  keyspace.clear()
  return OK
}

function time(now: number): Reply {
  const micros = Math.floor((now % 1000) * 1000)
  return [Buffer.from(String(Math.floor(now / 1000))), Buffer.from(String(micros))]
}

function count(args: Arguments, predicate: (key: string) => boolean): number {
  return args.all.filter((key) => predicate(key.toString('latin1'))).length
}
