import type { RedisBackend } from '../redis-backend.ts'
import { DISCARDED } from '../redis-backend.ts'
import type { Command, Reply } from '../reply.ts'
import { commandName } from '../reply.ts'
import type { CommandTable } from './command-table.ts'
import { argumentsOf } from './command-table.ts'
import { hashCommands } from './hash-commands.ts'
import { keyCommands } from './key-commands.ts'
import { createKeyspace } from './keyspace.ts'
import { RedisError } from './redis-error.ts'
import { createScripts, SCRIPT_COMMANDS } from './scripts.ts'
import { stringCommands } from './string-commands.ts'

type Listener = (payload: Buffer) => void

const TABLE: CommandTable = { ...stringCommands, ...hashCommands, ...keyCommands }

/** An in-memory Redis with the commands a token store and its tests need; `now` is its clock in ms. */
export function createMemoryRedis(now: () => number): RedisBackend {
  const keyspace = createKeyspace(() => Math.floor(now()))
  const listeners = new Map<string, Set<Listener>>()
  let turn: Promise<unknown> = Promise.resolve()

  const publish = (channel: string, payload: Buffer): number => {
    const found = [...(listeners.get(channel) ?? [])]
    for (const listener of found) listener(payload)
    return found.length
  }

  const perform = (command: Command): Reply =>
    orError(() => {
      const problem = queueError(command)
      if (problem) return problem
      const args = argumentsOf(command.slice(1))
      if (commandName(command) === 'PUBLISH') return publish(args.key(0), args.bytes(1))
      return TABLE[commandName(command)]?.run(args, keyspace) ?? null
    })
  const scripts = createScripts((command) => (queueError(command) ? scriptError(command) : perform(command)))

  const executeNow = async (command: Command): Promise<Reply> => {
    if (!isScript(command) || queueError(command)) return perform(command)
    return await scripts.execute(command).catch(errorReply)
  }

  // One at a time, as in Redis: starting the Lua machine is asynchronous and must not let others in between.
  const inTurn = async <T>(task: () => Promise<T>): Promise<T> => {
    const result = turn.then(task)
    turn = result.catch(() => undefined)
    return await result
  }

  return {
    execute: async (command) => await inTurn(() => executeNow(command)),
    transaction: async (commands) => {
      if (commands.some((command) => queueError(command))) return DISCARDED
      return await inTurn(async () => {
        const replies: Reply[] = []
        for (const command of commands) replies.push(await executeNow(command))
        return replies
      })
    },
    subscribe: async (channel, listener) => {
      const name = channel.toString('latin1')
      const set = listeners.get(name) ?? new Set()
      listeners.set(name, set.add(listener))
      return () => {
        set.delete(listener)
        if (set.size === 0) listeners.delete(name)
      }
    },
    close: () => listeners.clear(),
  }
}

function isScript(command: Command): boolean {
  return Object.hasOwn(SCRIPT_COMMANDS, commandName(command))
}

/** The error for a command that does not exist or has the wrong number of arguments. */
function queueError(command: Command): { readonly error: string } | undefined {
  const name = commandName(command)
  const count = command.length - 1
  const spec = Object.hasOwn(TABLE, name) ? TABLE[name] : undefined
  const least = name === 'PUBLISH' ? 2 : (SCRIPT_COMMANDS[name] ?? spec?.min)
  const most = name === 'PUBLISH' ? 2 : (spec?.max ?? Infinity)
  if (least === undefined || !/^[A-Z]+$/.test(name)) return { error: unknownCommand(command) }
  if (count >= least && count <= most) return undefined
  return { error: `ERR wrong number of arguments for '${name.toLowerCase()}' command` }
}

/** Inside a script Redis words the same two errors differently. */
function scriptError(command: Command): Reply {
  if (queueError(command)?.error.startsWith('ERR unknown'))
    return { error: 'ERR Unknown Redis command called from script' }
  return { error: 'ERR Wrong number of args calling Redis command from script' }
}

function unknownCommand(command: Command): string {
  const args = command.slice(1).map((arg) => `'${arg.toString().slice(0, 128)}' `)
  return `ERR unknown command '${command[0]?.toString().slice(0, 128) ?? ''}', with args beginning with: ${args.join('')}`
}

function orError(run: () => Reply): Reply {
  try {
    return run()
  } catch (error) {
    return errorReply(error)
  }
}

function errorReply(error: unknown): Reply {
  if (error instanceof RedisError) return { error: error.message }
  throw error
}
