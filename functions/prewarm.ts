import { api, tokens } from './composition.ts'

/** A little longer than the schedule's period, so that what is warm now stays so until the next run. In ms. */
const PERIOD = 31 * 60_000

/** Runs on a schedule: renews a token that would not live until the next run, before anyone asks for it. */
export async function handler(): Promise<{ readonly remaining: number }> {
  const { api: token } = await tokens.prewarm({ api }, { minLifetime: PERIOD })
  // Thrown, so that the function's error metric and retries see it.
  if (token instanceof Error) throw token
  return { remaining: token.remaining() }
}
