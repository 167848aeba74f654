// Measures one way in a process of its own. Argument: its name. Prints the median time of a call in ns as JSON.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median } from '../run/numbers.ts'
import { variants } from './variants.ts'

const CALLS = 1_500

const variant = variants.find(({ name }) => name === process.argv[2])
if (variant === undefined) throw new TypeError(`no variant "${process.argv[2]}"`)
const folder = mkdtempSync(join(tmpdir(), 'warmtoken-bench-'))
try {
  const call = await variant.open(folder)
  const times: number[] = []
  // The first half warms up. Wall time, for a disk is waited for; its median call is one that nobody disturbed.
  for (let n = 0; n < 2 * CALLS; n += 1) {
    const start = process.hrtime.bigint()
    const given = call()
    const found = given instanceof Promise ? await given : given
    if (n >= CALLS) times.push(Number(process.hrtime.bigint() - start))
    if (!found) throw new Error(`${variant.name} gave nothing`)
  }
  console.log(JSON.stringify(median(times)))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(0)
