import { parseArgs } from 'node:util'

/** What the commands `pnpm simulate:…` are told. */
export interface Flags {
  readonly runs: number
  readonly seed: number
  /** Whether everything that happens in the one run of the seed is printed. */
  readonly trace: boolean
}

/** Reads `[--runs N] [--seed S] [--trace]`. Ends the process with 2 for what is no whole number from 1. */
export function readFlags(): Flags {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      trace: { type: 'boolean', default: false },
    },
  })
  const [runs, seed] = [Number(values.runs), Number(values.seed)]
  if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(seed) || seed < 1) {
    console.error('--runs and --seed take whole numbers from 1')
    process.exit(2)
  }
  return { runs, seed, trace: values.trace }
}
