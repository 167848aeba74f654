// `node --conditions=source bench/cold/share.ts`: the first token of a small function, which has a share of a processor.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { readCommand } from '../run/command.ts'
import { median } from '../run/numbers.ts'
import { column } from '../run/rounds.ts'
import { measureCold } from './measure.ts'
import { EMPTY, EMPTY_BARE, firsts } from './variants.ts'

/** Over this time a share is counted, in microseconds: as Lambda does. */
const PERIOD = 20_000

/** Makes a control group that may use a share of a processor; needs Linux, and root. */
function makeGroup(share: number): string {
  const isOld = existsSync('/sys/fs/cgroup/cpu/cpu.cfs_quota_us')
  const group = `/sys/fs/cgroup/${isOld ? 'cpu/' : ''}warmtoken-${process.pid}`
  const quota = Math.round((PERIOD * share) / 1_000)
  mkdirSync(group)
  if (isOld) {
    writeFileSync(`${group}/cpu.cfs_period_us`, `${PERIOD}`)
    writeFileSync(`${group}/cpu.cfs_quota_us`, `${quota}`)
  } else writeFileSync(`${group}/cpu.max`, `${quota} ${PERIOD}`)
  return group
}

const { flags } = readCommand({ name: 'node --conditions=source bench/cold/share.ts', flags: ['rounds', 'share'] })
const [rounds = 9] = flags.get('rounds') ?? []
const variants = firsts.filter(({ part, plugin }) => part === 'limit' || plugin === true)
for (const share of flags.get('share') ?? [72]) {
  const group = makeGroup(share)
  try {
    const { measured } = await measureCold([EMPTY, EMPTY_BARE, ...variants], rounds, group)
    console.log(`first token with ${share / 10} % of a processor, ms (median of ${rounds}, longest)`)
    for (const { name } of variants) {
      const took = column(measured, name, ({ first }) => first)
      console.log(
        `  ${name.padEnd(40)} ${median(took).toFixed(0).padStart(6)} ${Math.max(...took)
          .toFixed(0)
          .padStart(6)}`,
      )
    }
  } finally {
    rmdirSync(group)
  }
}
