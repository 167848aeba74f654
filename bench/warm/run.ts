// Measures one way in a process of its own. Arguments: its name; `time` or `bytes`. Prints JSON.
import { bytesOf } from '../run/bytes.ts'
import { timeOf } from '../run/processor.ts'
import { tightLoop, turnTime } from './loops.ts'
import { variants } from './variants.ts'

/** What one process measured. Times are of the processor, in ns a call. */
export interface Costs {
  readonly tight: number
  readonly turn: number
  readonly bytes: number
}

const [name, what] = process.argv.slice(2)
const variant = variants.find((one) => one.name === name)
if (variant === undefined) throw new TypeError(`no variant "${name}"`)
const call = await variant.open()
await call()
if ((await call()) === undefined) throw new Error(`${name} does not hit`)
const loop = tightLoop(variant, call)
const costs: Partial<Costs> =
  what === 'bytes' ? { bytes: await bytesOf(loop) } : { tight: await timeOf(loop), turn: await turnTime(variant, call) }
console.log(JSON.stringify(costs))
process.exit(0)
