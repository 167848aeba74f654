import type { ImitatedAnswer } from '@warmtoken/local/issuers'
import { advance } from './clock.ts'
import { feishu, type Running } from './issuers.ts'
import type { Peer } from './peers.ts'
import { openRepeating, REFUSABLE } from './refused.ts'

/** One row: what is done, and what comes out for one peer. */
export interface Row {
  readonly name: string
  /** What warmtoken must reach. */
  readonly goal: string
  readonly measure: (peer: Peer) => Promise<string>
}

const HOUR = 3_600_000
/** More than any row asks. */
const ALWAYS = 1_000

const OUTAGE: ImitatedAnswer = { status: 500, body: { error: 'server_error', code: 99991500 } }
const PATIENCE: ImitatedAnswer = {
  status: 429,
  headers: { 'retry-after': '60' },
  body: { error: 'slow_down', code: 99991400 },
}

/** Asks so many times, one after the other; says how often it failed. */
async function failures(get: () => Promise<string>, times: number): Promise<number> {
  let failed = 0
  for (let i = 0; i < times; i += 1) {
    await get().catch(() => {
      failed += 1
    })
  }
  return failed
}

/** Each with a client of its own, so that nothing is left of the row before; unless told which. */
async function withIssuer<T>(
  peer: Peer,
  lifetime: number,
  use: (running: Running) => Promise<T>,
  id: string = crypto.randomUUID(),
): Promise<T> {
  const running = await peer.start(lifetime, id)
  try {
    return await use(running)
  } finally {
    await running.issuer.close()
  }
}

function tenGets(answer: ImitatedAnswer) {
  return (peer: Peer) =>
    withIssuer(peer, HOUR, async ({ issuer, place }) => {
      issuer.failNext(answer, ALWAYS)
      const failed = await failures(peer.open(place), 10)
      return failed === 10 ? String(issuer.requests) : `${issuer.requests}, ${10 - failed} without an error`
    })
}

function stampede(peer: Peer): Promise<string> {
  return withIssuer(peer, HOUR, async ({ issuer, place }) => {
    const get = peer.open(place)
    await Promise.all(Array.from({ length: 50 }, () => get()))
    return String(issuer.requests)
  })
}

/** GitHub's secret is a key: a wrong one is that of another App. */
async function wrongSecret(peer: Peer): Promise<string> {
  return withIssuer(peer, HOUR, async ({ issuer, place }) => {
    const other = await peer.start(HOUR, 'another')
    await other.issuer.close()
    const secret = place.secret.startsWith('-----') ? other.place.secret : 'wrong'
    const failed = await failures(peer.open({ ...place, secret }), 10)
    return failed === 10 ? String(issuer.requests) : `${10 - failed} tokens!`
  })
}

/** Fails for exactly as many requests as one get makes, then two minutes go by: longer than any pause but forever. */
async function recovery(peer: Peer): Promise<string> {
  const requests = await withIssuer(peer, HOUR, async ({ issuer, place }) => {
    issuer.failNext(OUTAGE, ALWAYS)
    await failures(peer.open(place), 1)
    return issuer.requests
  })
  return withIssuer(peer, HOUR, async ({ issuer, place }) => {
    const get = peer.open(place)
    issuer.failNext(OUTAGE, requests)
    await failures(get, 1)
    advance(120_000)
    return (await failures(get, 1)) === 0 ? 'yes' : 'never'
  })
}

function downWith170(peer: Peer): Promise<string> {
  return withIssuer(peer, 200_000, async ({ issuer, place }) => {
    const get = peer.open(place)
    await get()
    advance(30_000)
    issuer.failNext(OUTAGE, ALWAYS)
    return String(await failures(get, 5))
  })
}

function shortLife(peer: Peer): Promise<string> {
  return withIssuer(peer, 170_000, async ({ issuer, place }) => {
    const failed = await failures(peer.open(place), 5)
    return failed === 0 ? String(issuer.requests) : `${issuer.requests}, ${failed} errors`
  })
}

/** Both at once, then one after the other: the smaller number of different tokens. */
async function twoHosts(peer: Peer): Promise<string> {
  if (!peer.keys) return '–'
  const id = crypto.randomUUID()
  const ask = async (one: Running, other: Running): Promise<string> => {
    const gets = [peer.open(one.place), peer.open(other.place)]
    const atOnce = new Set(await Promise.all(gets.map((get) => get())))
    const after = new Set<string>()
    for (const get of gets) after.add(await get())
    const least = Math.min(atOnce.size, after.size)
    return least === 2 ? '2' : `${least}, mixed up`
  }
  return withIssuer(peer, HOUR, (one) => withIssuer(peer, HOUR, (other) => ask(one, other), id), id)
}

/** One environment after the other would not meet the failure together. */
async function oneFailure(peer: Peer): Promise<string> {
  return withIssuer(peer, HOUR, async ({ issuer, place }) => {
    issuer.failNext({ status: 503, body: { error: 'unavailable', code: 99991500 } })
    const open = peer.openFleet ?? ((at, environments) => Array.from({ length: environments }, () => peer.open(at)))
    const results = await Promise.allSettled(open(place, 5).map((get) => get()))
    return String(results.filter(({ status }) => status === 'rejected').length)
  })
}

/** A hundred calls in a minute; the API answers each with 401. */
async function alwaysRefused(peer: Peer): Promise<string> {
  const open = REFUSABLE[peer.name]
  if (open === undefined) return '–'
  return withIssuer(peer, HOUR, async ({ issuer, place }) => {
    const { get, refused } = open(place)
    for (let call = 0; call < 100; call += 1) {
      await get()
      await refused()
      advance(600)
    }
    return String(issuer.requests)
  })
}

/** Asks each minute after one refusal, with an issuer that gives the same token while that lives for half an hour. */
async function oneRefusal({ name, start, open }: Peer): Promise<string> {
  const isOurs = name === 'warmtoken'
  if (!isOurs && start !== feishu) return '–'
  const { issuer, place } = await feishu(2 * HOUR, crypto.randomUUID())
  try {
    // The SDK has no way to say that a token was refused.
    const { get, refused } = isOurs ? openRepeating(place) : { get: open(place), refused: undefined }
    await get()
    let without = refused === undefined ? 0 : await failures(async () => String(await refused()), 1)
    for (let minute = 0; minute < 80; minute += 1) {
      without += await failures(async () => String(await get()), 1)
      advance(60_000)
    }
    return String(without)
  } finally {
    await issuer.close()
  }
}

/** The rows but the one that takes several processes, in the order in which they are shown. */
export const ROWS: readonly Row[] = [
  { name: '50 gets at once, nothing cached: requests', goal: '1', measure: stampede },
  { name: 'ten gets, wrong secret: requests', goal: '1', measure: wrongSecret },
  { name: 'ten gets, 429 with Retry-After 60: requests', goal: '1', measure: tenGets(PATIENCE) },
  { name: 'ten gets, 500: requests', goal: '3 or less', measure: tenGets(OUTAGE) },
  { name: 'two minutes after a failed get: works again', goal: 'yes', measure: recovery },
  { name: '170 s left, issuer down, five gets: errors', goal: '0', measure: downWith170 },
  { name: 'a token of 170 s, five gets: requests', goal: '1', measure: shortLife },
  { name: 'one 503, five cold environments: errors', goal: '0', measure: oneFailure },
  { name: 'one stray 401, issuer repeats its token: minutes without a token', goal: '0', measure: oneRefusal },
  { name: 'the API says 401 to 100 calls: token requests', goal: '3 or less', measure: alwaysRefused },
  { name: 'two hosts, the same ids: tokens', goal: '2', measure: twoHosts },
]
