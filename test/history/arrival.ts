/**
 * How long until 20 processes, released at one instant, all hold a token that an issuer takes 50 ms to give, over a real
 * Redis. Run by `node --conditions=source test/history/arrival.ts`.
 *
 * @module
 */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { startRedisServer, startUpstash } from '@warmtoken/local'
import { type Arrival, median, now, type Round } from './arrival-round.ts'
import { startCountingIssuer } from './issuer.ts'

const PROCESSES = 20
const ROUNDS = 11
/** Rounds that do not count, until the code is warm: each process does little in one. */
const WARM_UP = 10
const ISSUER = 50
const GOAL = 100

const redis = await startRedisServer()
const upstash = await startUpstash({ redis })
const issuer = await startCountingIssuer(() => ISSUER)

async function begin(): Promise<ChildProcess> {
  const child = fork(new URL('./arrival-process.ts', import.meta.url), [upstash.url, upstash.token, issuer.url], {
    execArgv: ['--conditions=source'],
  })
  await answerOf(child)
  return child
}

/** The next message of a process. Rejects when it ends instead. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  const ended = once(child, 'exit', over).then(() => Promise.reject(new Error('a process of the bench ended')))
  const answered = once(child, 'message', over)
  return (await Promise.race([answered, ended]).finally(() => over.abort()))[0]
}

async function play(children: readonly ChildProcess[], number: number, readOnly = false): Promise<number> {
  const before = issuer.nonces.length
  const round: Round = { number, startAt: now() + 500, readOnly }
  const arrivals = await Promise.all(
    children.map(async (child) => {
      const answer = answerOf(child)
      child.send(round)
      return (await answer) as Arrival
    }),
  )
  if (readOnly) return Math.max(...arrivals.map(({ after }) => after))
  const calls = issuer.nonces.length - before
  const fetched = arrivals.find(({ tier }) => tier === 'source')?.after ?? Number.NaN
  const all = Math.max(...arrivals.map(({ after }) => after))
  const looks = median(arrivals.map(({ polls }) => polls.length))
  const waits = arrivals.flatMap(({ polls }) => polls.slice(0, 1))
  const late = Math.max(...arrivals.map((arrival) => arrival.late))
  const show = (ms: number): string => ms.toFixed(0).padStart(4)
  console.log(
    `round ${number}: issuer calls ${calls}, published and held by the first ${show(fetched)} ms,`,
    `half ${show(median(arrivals.map(({ after }) => after)))} ms, all ${show(all)} ms;`,
    `first wait began ${show(Math.min(...waits))}–${show(Math.max(...waits)).trim()} ms,`,
    `looks ${looks}, latest start ${show(late)} ms`,
  )
  return all
}

const children: ChildProcess[] = []
try {
  for (let index = 0; index < PROCESSES; index += 1) children.push(await begin())
  for (let number = 0; number < WARM_UP; number += 1) await play(children, -number)
  const times: number[] = []
  const reads: number[] = []
  for (let number = 1; number <= ROUNDS; number += 1) {
    times.push(await play(children, number))
    reads.push(await play(children, number, true))
  }
  console.log(`one read of all ${PROCESSES} at once alone takes ${median(reads).toFixed(0)} ms here (median)`)
  const middle = median(times)
  console.log(
    `median until all ${PROCESSES} hold it: ${middle.toFixed(0)} ms (goal ${GOAL} ms: ${middle <= GOAL ? 'met' : 'NOT met'})`,
  )
} finally {
  for (const child of children) child.kill()
  await issuer.close()
  await upstash.close()
  await redis.close()
}
