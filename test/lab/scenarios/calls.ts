import type { Environment, Outcome } from '../contracts.ts'
import type { Stage } from '../stage.ts'
import type { Hold } from '../world.ts'

/** Ten minutes before the end of its hour a token is stale, for every environment. */
const STALE = 55 * 60_000

/** The lines of a call that starts an environment, and whose token is fetched for it. */
export function firstCall(name: string): readonly string[] {
  return [
    ...[`${name}: init`, `${name}: invoke`, 'issuer: asked', 'api: called'],
    ...[`${name}: answers 200 from source`, `${name}: freeze`],
  ]
}

/** The lines of a call of an environment that was frozen, whose token is found. */
export function nextCall(name: string, tier: 'memory' | 'store'): readonly string[] {
  return [
    ...[`${name}: thaw`, `${name}: invoke`, 'api: called', `${name}: answers 200 from ${tier}`, `${name}: freeze`],
  ]
}

/** Calls an environment whose token is stale: the issuer is held while it is asked, the API lets the call pass. */
export async function callWhenStale({ lab, world, later }: Stage): Promise<{
  readonly one: Environment
  readonly issuer: Hold
  readonly api: Hold
  readonly answer: Promise<Outcome>
}> {
  const one = lab.environment()
  await one.invoke()
  later(STALE)
  const [issuer, api] = [world.holdIssuer(), world.holdApi()]
  const answer = one.invoke()
  await issuer.asked
  api.release()
  return { one, issuer, api, answer }
}
