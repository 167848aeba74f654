import type { Command, Reply } from '../reply.ts'
import { commandName, OK } from '../reply.ts'
import { parseInteger } from './command-table.ts'
import type { LuaMachine } from './lua/lua-machine.ts'
import { sha1Hex, startLua } from './lua/lua-machine.ts'
import { RedisError } from './redis-error.ts'

/** The commands that deal with Lua scripts; the machine is started at first use. */
export interface Scripts {
  /** Performs EVAL, EVALSHA or SCRIPT; throws RedisError for an error reply. */
  execute(command: Command): Promise<Reply>
}

/** Names of the commands {@link Scripts} performs, and how many arguments each needs at least. */
export const SCRIPT_COMMANDS: Readonly<Record<string, number>> = { EVAL: 2, EVALSHA: 2, SCRIPT: 1 }

const FORBIDDEN = new Set(['EVAL', 'EVALSHA', 'SCRIPT', 'SUBSCRIBE', 'MULTI', 'EXEC', 'WATCH', 'AUTH'])

/** Prepares script execution over a function that performs a plain command. */
export function createScripts(perform: (command: Command) => Reply): Scripts {
  const known = new Map<string, Buffer>()
  let machine: Promise<LuaMachine> | undefined

  const call = (command: Command): Reply => {
    if (FORBIDDEN.has(commandName(command))) return { error: 'ERR This Redis command is not allowed from script' }
    return perform(command)
  }
  const lua = async (): Promise<LuaMachine> => {
    machine ??= startLua(call)
    return await machine
  }

  const load = async (text: Buffer): Promise<string> => {
    const problem = (await lua()).compileError(text)
    if (problem) throw new RedisError(errorText(problem))
    const sha = sha1Hex(text)
    known.set(sha, text)
    return sha
  }

  const run = async (sha: string, command: Command): Promise<Reply> => {
    const { keys, argv } = splitArguments(command)
    const text = known.get(sha)
    if (!text) throw new RedisError('NOSCRIPT No matching script. Please use EVAL.')
    return (await lua()).run({ sha, text, keys, argv })
  }

  const script = async ([, verb, ...rest]: Command): Promise<Reply> => {
    const name = verb?.toString('latin1').toUpperCase() ?? ''
    if (name === 'LOAD' && rest[0] && rest.length === 1) return Buffer.from(await load(rest[0]))
    if (name === 'EXISTS' && rest.length > 0) return rest.map((sha) => Number(known.has(sha.toString().toLowerCase())))
    if (name === 'FLUSH') {
      known.clear()
      return OK
    }
    throw new RedisError(`ERR unknown subcommand '${verb?.toString() ?? ''}'. Try SCRIPT HELP.`)
  }

  return {
    execute: async (command) => {
      const [, first = Buffer.alloc(0)] = command
      if (commandName(command) === 'SCRIPT') return await script(command)
      if (commandName(command) === 'EVALSHA') return await run(first.toString('latin1').toLowerCase(), command)
      return await run(await load(first), command)
    },
  }
}

function splitArguments(command: Command): { readonly keys: Command; readonly argv: Command } {
  const count = parseInteger(command[2] ?? Buffer.alloc(0))
  const rest = command.slice(3)
  if (count < 0) throw new RedisError("ERR Number of keys can't be negative")
  if (count > rest.length) throw new RedisError("ERR Number of keys can't be greater than number of args")
  return { keys: rest.slice(0, count), argv: rest.slice(count) }
}

function errorText(reply: Reply): string {
  return typeof reply === 'object' && reply !== null && 'error' in reply ? reply.error : 'ERR The script failed'
}
