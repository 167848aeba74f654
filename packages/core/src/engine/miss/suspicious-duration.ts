import type { Shared } from '../context.ts'
import type { Policy } from '../policy.ts'
import type { Slot } from '../slot.ts'

/** Below these, in ms, an option was probably given in seconds. */
const SHORTEST: { readonly [option in keyof Policy]: number } = {
  refreshWindow: 1_000,
  sourceTimeout: 100,
  storeTimeout: 20,
  timeout: 100,
}
/** The subjects and policies that were reported. */
const reported = new WeakSet<object>()

/** Reports durations that look like seconds where ms are meant: of what a source gave, and of the options. Each once. */
export function reportSuspicious({ policy, emit }: Shared, { key, subject }: Slot<unknown>, lifetime: number): void {
  const report = (about: object, option: string, ms: number): void => {
    emit({ type: 'suspicious-duration', key, option, ms })
    reported.add(about)
  }
  if (!reported.has(subject) && looksLikeSeconds(lifetime)) report(subject, 'lifetime', lifetime)
  if (policy === undefined || reported.has(policy)) return
  for (const [option, shortest] of Object.entries(SHORTEST)) {
    const ms = policy[option as keyof Policy] ?? shortest
    if (ms < shortest) report(policy, option, ms)
  }
}

/** 3,600 and 3,599 do, and 86,400. What is left of a token in ms is hardly ever so short, or so many whole hours. */
function looksLikeSeconds(ms: number): boolean {
  return ms > 0 && ((ms < 10_000 && ms % 1_000 !== 0) || (ms < 100_000 && ms % 3_600 === 0))
}
