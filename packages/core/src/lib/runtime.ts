import type { Runtime } from '../contracts.ts'
import { systemClocks } from './clocks.ts'

/** The longest time that a timer of Node can wait, in ms; beyond it, it fires at once. */
const LONGEST = 2 ** 31 - 1
/** Random bits in a mark: as many as nobody draws twice. */
const MARK_BYTES = 16

/** The real clocks, random numbers and timers. Timers never keep a process alive on their own. */
export const systemRuntime: Runtime = {
  ...systemClocks,
  unique,
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, LONGEST))
    return () => clearTimeout(timer)
  },
}

/**
 * A mark of random bits from the kernel, which draws again even where a whole machine was copied. Node's crypto module
 * takes 5 ms to load, and with it loaded the first UUID still takes 2, since it draws 128 of them at once.
 */
function unique(): string {
  const fs = process.getBuiltinModule('fs')
  const bytes = Buffer.allocUnsafe(MARK_BYTES)
  try {
    const file = fs.openSync('/dev/urandom', 'r')
    try {
      if (fs.readSync(file, bytes) === MARK_BYTES) return bytes.toString('hex')
    } finally {
      fs.closeSync(file)
    }
  } catch {
    // Not on this system, or no file may be opened any more.
  }
  return process.getBuiltinModule('crypto').randomUUID()
}
