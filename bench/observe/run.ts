// Measures one way in a process of its own. Arguments: its name; `time` or `bytes`. Prints JSON.
import { bytesOf } from '../run/bytes.ts'
import { timeOf } from '../run/processor.ts'
import { openGet, variants } from './variants.ts'

/** What one process measured for each get: ns of processor time, and bytes. */
export interface Costs {
  readonly ns: number
  readonly bytes: number
}

const [name, what] = process.argv.slice(2)
const variant = variants.find((one) => one.name === name)
if (variant === undefined) throw new TypeError(`no variant "${name}"`)
const get = await openGet(variant)

async function loop(calls: number): Promise<void> {
  for (let n = 0; n < calls; n += 1) await get()
}

const costs: Partial<Costs> = what === 'bytes' ? { bytes: await bytesOf(loop) } : { ns: await timeOf(loop) }
console.log(JSON.stringify(costs))
process.exit(0)
