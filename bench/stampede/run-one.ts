// A thousand callers in one process. Argument: the name of a way. Prints ms and fetches as JSON.
import { median } from '../run/numbers.ts'
import { oneVariants, slowIssuer } from './one.ts'

const CALLERS = 1_000
const KEYS = 9

/** What one process measured. */
export interface OneCosts {
  readonly ms: number
  readonly fetches: number
}

const variant = oneVariants.find(({ name }) => name === process.argv[2])
if (variant === undefined) throw new TypeError(`no variant "${process.argv[2]}"`)
let fetches = 0
const get = await variant.open((key) => {
  fetches += 1
  return slowIssuer(key)
})
const times: number[] = []
// The first key is the rehearsal: what is loaded lazily is loaded by it.
for (let key = 0; key <= KEYS; key += 1) {
  if (key === 1) fetches = 0
  const start = performance.now()
  const all = await Promise.all(Array.from({ length: CALLERS }, () => get(`key-${key}`)))
  if (key > 0) times.push(performance.now() - start)
  if (all.some((one) => one === undefined)) throw new Error(`${variant.name} gave nothing to someone`)
}
const costs: OneCosts = { ms: median(times), fetches: fetches / KEYS }
console.log(JSON.stringify(costs))
process.exit(0)
