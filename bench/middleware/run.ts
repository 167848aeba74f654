// Measures one way in a process of its own. Arguments: its name; `time` or `made`. Prints JSON.
import { createHook } from 'node:async_hooks'
import { bytesOf } from '../run/bytes.ts'
import { timeOf } from '../run/processor.ts'
import { variants } from './variants.ts'

/** What one process measured, for each invocation: ns of processor time, or what is made. */
export interface Costs {
  readonly ns: number
  readonly bytes: number
  readonly promises: number
}

const COUNTED = 100

const [name = '', what] = process.argv.slice(2)
const variant = variants.find((one) => one.name === name)
if (variant === undefined) throw new TypeError(`no variant "${name}"`)
const invoke = await variant.open()
function makeContext() {
  return {
    functionName: 'bench',
    awsRequestId: 'bench',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => 10_000,
  } as never
}
const seen = Number(await invoke({}, makeContext()))
// Four fields of the context, and the token where there is one.
const wanted = /warmTokens|withTokens|util|secrets/.test(name) ? 5 : 4
if (seen !== wanted) throw new Error(`${name} put ${seen} fields on the context instead of ${wanted}`)

async function loop(calls: number): Promise<void> {
  for (let n = 0; n < calls; n += 1) await invoke({}, makeContext())
}

/** Every promise that an invocation makes is a turn of the queue of microtasks, or two. */
async function promisesOf(): Promise<number> {
  let made = 0
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'PROMISE') made += 1
    },
  })
  await loop(COUNTED)
  hook.enable()
  await loop(COUNTED)
  hook.disable()
  return Math.round(made / COUNTED)
}

const costs: Partial<Costs> =
  what === 'made' ? { bytes: await bytesOf(loop), promises: await promisesOf() } : { ns: await timeOf(loop) }
console.log(JSON.stringify(costs))
process.exit(0)
