import { median } from '../run/numbers.ts'
import { calibrate, costOf, type Loop } from '../run/processor.ts'
import type { Variant } from './variant.ts'

/** Pairs of batches for a difference. */
const PAIRS = 10
/** Kept, so that nothing is optimized away. */
export let kept: unknown

/** Calls again and again. */
export function tightLoop({ form }: Variant, call: () => unknown): Loop {
  if (form === 'sync') {
    return async (calls) => {
      for (let n = 0; n < calls; n += 1) kept = call()
    }
  }
  return async (calls) => {
    for (let n = 0; n < calls; n += 1) kept = await call()
  }
}

/** One awaited call a turn of the event loop, as requests come. */
function turnsAwaited(call: () => unknown): Loop {
  return (calls) =>
    new Promise((resolve, reject) => {
      let n = 0
      const turn = async (): Promise<void> => {
        kept = await call()
        n += 1
        if (n < calls) setImmediate(next)
        else resolve()
      }
      const next = (): void => void turn().catch(reject)
      setImmediate(next)
    })
}

/** The same without a promise. */
function turnsSync(call: () => unknown): Loop {
  return (calls) =>
    new Promise((resolve) => {
      let n = 0
      const turn = (): void => {
        kept = call()
        n += 1
        if (n < calls) setImmediate(turn)
        else resolve()
      }
      setImmediate(turn)
    })
}

/** What a call adds to a turn that does nothing, in ns: pairs of batches, one with it and one without. */
export async function turnTime({ form }: Variant, call: () => unknown): Promise<number> {
  const over = form === 'sync' ? turnsSync : turnsAwaited
  const [busy, idle] = [over(call), over(() => undefined)]
  const calls = await calibrate(busy)
  await calibrate(idle)
  const times: number[] = []
  for (let pair = 0; pair < PAIRS; pair += 1) times.push((await costOf(busy, calls)) - (await costOf(idle, calls)))
  return median(times)
}
