/** A simulated day on which someone plants damaged records, and an operator restores what only an operator can. */
import type { Image } from '@warmtoken/core/adapter'
import { type DayOptions, HOUR, type Kit, liveDay, type Meddler, MINUTE } from './day.ts'
import { type Fields, KINDS, type Kind } from './kinds.ts'

/** The start of the simulated wall clock, which the store tells. */
const START = 1_700_000_000_000
/** How long a planted lease may hold callers up: it may begin 15 minutes ahead and last as long. */
const LONGEST_WAIT = 31 * MINUTE
const COOL_DOWN = 11 * MINUTE
/** When the last record is planted, so that the day shows what comes of it. */
const LAST = 22 * HOUR

/** A life that is plausible and longer than what was sealed with the value: only the codec knows. */
const EXTENDED: Kind = {
  name: 'a value whose life someone has extended',
  plant: (good, now) => {
    const value = { ...(good['value'] as Fields), softExpiry: now + 20 * HOUR, hardExpiry: now + 24 * HOUR }
    return JSON.stringify({ ...good, value })
  },
  shared: 'served',
  exclusive: 'served',
}

/** What must not come of a planted record, as sentences. */
export async function violationsOf(
  kit: Kit,
  { seed, exclusive }: Pick<DayOptions, 'seed' | 'exclusive'>,
): Promise<{ readonly planted: number; readonly violations: readonly string[] }> {
  const windows: { readonly from: number; readonly until: number; readonly kind: string }[] = []
  let planted = 0
  let pending = ''
  const day = await liveDay({
    seed,
    exclusive,
    releaseAt: () => kit,
    async meddle(meddler) {
      await meddler.sleep(5 * MINUTE)
      while (meddler.now() < LAST) {
        await meddler.sleep(meddler.random.between(5 * MINUTE, 25 * MINUTE))
        const kind = meddler.random.pick([EXTENDED, ...KINDS])
        const from = meddler.now()
        const outcome = exclusive ? kind.exclusive : kind.shared
        const image = await meddler.look()
        // One at a time: what each kind leads to is known only for a good record.
        if (image === undefined || image.body === pending) continue
        if (!(await plant(meddler, image, { kind, outcome }))) continue
        pending = (await meddler.look())?.body ?? ''
        planted += 1
        if (outcome === 'waits') windows.push({ from, until: from + LONGEST_WAIT, kind: kind.name })
        if (outcome === 'cools down') windows.push({ from, until: from + COOL_DOWN, kind: kind.name })
        if (outcome === 'stops' || outcome === 'cannot open')
          windows.push({ from, until: meddler.now() + MINUTE, kind: kind.name })
        if (outcome === 'waits') await meddler.sleep(LONGEST_WAIT)
      }
    },
  })
  const unexpected = day.failed.filter(({ at }) => !windows.some(({ from, until }) => at >= from && at <= until))
  return {
    planted,
    violations: [
      ...day.spentAgain.map((token) => `${token} was spent again`),
      ...(day.dead > 0 ? [`${day.dead} tokens were returned after their end`] : []),
      ...(day.late > 0 ? [`${day.late} calls took longer than their time`] : []),
      ...(day.needless > planted ? [`${day.needless} needless fetches for ${planted} records`] : []),
      ...day.failed.filter(({ code }) => code === 'SIGN_IN_REQUIRED').map(({ message }) => message),
      ...unexpected.map(({ at, code, message }) => `at ${Math.round(at / MINUTE)} min: ${code} ${message}`),
    ],
  }
}

/** Plants one kind; for one that stops its key, an operator restores the record some minutes later. */
async function plant(
  meddler: Meddler,
  image: Image,
  { kind, outcome }: { readonly kind: Kind; readonly outcome: Kind['exclusive'] | Kind['shared'] },
): Promise<boolean> {
  const good = JSON.parse(image.body) as Fields
  // While a holder is at work its lease, and what it is about to spend, are in the record only.
  if (good['lease'] !== undefined || good['intent'] !== undefined) return false
  if (!(await meddler.put(image, kind.plant(good, START + meddler.now())))) return false
  if (outcome !== 'stops' && outcome !== 'cannot open') return true
  await meddler.sleep(meddler.random.between(MINUTE, 10 * MINUTE))
  const now = await meddler.look()
  if (now !== undefined) await meddler.put(now, image.body)
  return true
}
