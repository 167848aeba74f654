import { SignInRequiredError } from '../src/errors.ts'
import type { Calls } from './calls.ts'
import { LEASE } from './checks.ts'
import { startEnvironment } from './environment.ts'
import { START } from './process.ts'
import { KEY, type World } from './world.ts'

/** How often the last environment asks, and how long it waits in between, in ms. */
const ATTEMPTS = 3
const PAUSE = 61_000
/** What its first call may take beyond a lease, in ms. */
const RECOVERY = 3_000

/** When all trouble is over, the next call must publish soon, or find what it needs. */
export async function aftermath(world: World, { call }: Calls): Promise<void> {
  const { scenario, schedule, witness } = world
  world.calm()
  const environment = startEnvironment(world, 'last')
  // The issuer may still be slower than anyone waits: that is no fault of the protocol.
  const isSlow = scenario.tooSlow > 0
  await environment.process.sleep(Math.max(0, pausedUntil(world) - schedule.now()) + 2_000)
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = schedule.now()
    const result = await call(environment, { minLifetime: 0, timeout: 20_000, rejected: undefined })
    const took = schedule.now() - before
    if (!(result instanceof Error)) {
      if (took > LEASE + RECOVERY && !isSlow) witness.violate('L3', `the first call after the trouble took ${took} ms`)
      return
    }
    if (!isSlow && !(result instanceof SignInRequiredError))
      return witness.violate('L3', `the first call after the trouble failed: ${result.message}`)
    await environment.process.sleep(PAUSE)
  }
}

/** Until when the record forbids to ask the issuer, in true time. */
function pausedUntil({ backend }: World): number {
  return Number(/"notBefore":(\d+)/.exec(backend.image(KEY)?.body ?? '')?.[1] ?? 0) - START
}
