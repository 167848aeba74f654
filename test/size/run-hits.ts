// Measures memory hits in a process of its own, started with --expose-gc, and prints what they cost as JSON.
import { createHook } from 'node:async_hooks'
import fs from 'node:fs'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'

const CALLS = 1_000_000
const [directory = ''] = process.argv.slice(2)
const token = createTokens({ directory }).use(
  custom({ identity: 'x', fetch: async () => ({ value: 'abc', lifetime: 3_600_000 }) }),
)
await token.get()

/** Counts every call of a function of `node:fs` and everything that Node waits for, promises apart. */
function watchInput(): { count: number; stop(): void } {
  const watch = { count: 0, stop: () => hook.disable() }
  const hook = createHook({
    init: (_id, type) => {
      if (type !== 'PROMISE') watch.count += 1
    },
  })
  const functions = fs as unknown as Record<string, unknown>
  for (const [name, original] of Object.entries(functions)) {
    if (typeof original !== 'function' || !/^[a-z]/.test(name)) continue
    functions[name] = (...args: unknown[]): unknown => {
      watch.count += 1
      return Reflect.apply(original, fs, args)
    }
  }
  hook.enable()
  return watch
}

function heap(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

/** Bytes that stay or are made for each call. Without a collection in between, what is made and dropped counts too. */
function bytesPerCall(call: () => unknown): number {
  for (let n = 0; n < CALLS; n += 1) call()
  const before = heap()
  for (let n = 0; n < CALLS; n += 1) call()
  return (process.memoryUsage().heapUsed - before) / CALLS
}

const clock = bytesPerCall(() => Date.now())
const peek = bytesPerCall(() => token.peek())
const peekWithLife = bytesPerCall(() => token.peek(1_000))
const get = bytesPerCall(() => token.get())
const first = token.get()
const second = token.get()
const samePromise = first === second
const watch = watchInput()
for (let n = 0; n < 1_000; n += 1) await token.get()
watch.stop()
process.stdout.write(JSON.stringify({ clock, peek, peekWithLife, get, samePromise, inputs: watch.count }))
