import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type { Command, Reply } from '../../reply.ts'
import { isError } from '../../reply.ts'
import { decodeReply, encodeReply } from './lua-text.ts'
import { PRELUDE } from './prelude.ts'

/** Runs scripts as Redis does. */
export interface LuaMachine {
  /** The script's reply; problems inside the script are error replies. */
  run(script: { readonly sha: string; readonly text: Buffer; readonly keys: Command; readonly argv: Command }): Reply
  /** The error reply for a script that does not compile, undefined for one that does. */
  compileError(text: Buffer): Reply | undefined
}

// Redis warns of a script after five seconds; here it would block the whole process, so it is stopped.
const MAX_SCRIPT_MS = 5000

/**
 * Starts a Lua machine; `call` performs one command for `redis.call`.
 *
 * It is a real Lua 5.1, the dialect of Redis, compiled to WebAssembly. Lua 5.3 and 5.4 print 10/2 as "5.0" and have no
 * `unpack`, and the machine in plain JavaScript has 32-bit integers, which an instant in milliseconds overflows.
 */
export async function startLua(call: (command: Command) => Reply): Promise<LuaMachine> {
  const engine = await createEngine()
  engine.global.set('__call', (text: unknown) => encodeReply(call(commandFrom(String(text)))))
  engine.global.set('__sha1hex', (text: unknown) => sha1Hex(bytesOf(decodeReply(`s${String(text)}`))))
  engine.doStringSync(PRELUDE)

  const invoke = (name: string, ...texts: readonly string[]): Reply => {
    engine.global.setTimeout(Date.now() + MAX_SCRIPT_MS)
    try {
      return decodeReply(String(Array.from(engine.global.call(name, ...texts))[0]))
    } catch (error) {
      return { error: `ERR ${error instanceof Error ? error.message : 'The script failed'}` }
    } finally {
      engine.global.setTimeout(undefined)
    }
  }

  return {
    run: ({ sha, text, keys, argv }) => invoke('__run', sha, escaped(text), encodeReply(keys), encodeReply(argv)),
    compileError: (text) => {
      const reply = invoke('__compiles', escaped(text))
      return isError(reply) ? reply : undefined
    },
  }
}

/** SHA-1 in hex, by which Redis knows a script. */
export function sha1Hex(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex')
}

interface Engine {
  readonly global: {
    set(name: string, value: (text: unknown) => string): void
    call(name: string, ...values: readonly string[]): ArrayLike<unknown>
    setTimeout(deadline: number | undefined): void
  }
  doStringSync(text: string): unknown
}

async function createEngine(): Promise<Engine> {
  // Loaded by require because the package's declarations refer to files it does not contain.
  const loaded: unknown = createRequire(import.meta.url)('wasmoon-lua5.1')
  if (!hasLua(loaded)) throw new Error('wasmoon-lua5.1 does not export what is expected of it')
  return await loaded.Lua.create()
}

function hasLua(module: unknown): module is { readonly Lua: { create(): Promise<Engine> } } {
  if (typeof module !== 'object' || module === null || !('Lua' in module)) return false
  return typeof module.Lua === 'function' && 'create' in module.Lua
}

function commandFrom(text: string): Command {
  const reply = decodeReply(text)
  return Array.isArray(reply) ? reply.map(bytesOf) : []
}

function bytesOf(reply: Reply): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.alloc(0)
}

function escaped(text: Buffer): string {
  return encodeReply(text).slice(1)
}
