import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { checkHistory, type HistoryEvent, type HistoryResult } from '@warmtoken/testing/history'
import type { Program } from '../stores/fleet/program.ts'
import type { Fared, Orders, Said } from './one-key-protocol.ts'

/** What the processes run. */
export const PROCESS: string = fileURLToPath(new URL('./one-key-process.ts', import.meta.url))
/** How many processes load at a time. */
const LOADING = 8
/** How long the issuer takes, in ms. */
const ISSUER = 100

/** What became of a run. */
export interface Run {
  /** How long all processes ran, in ms. */
  readonly elapsed: number
  /** The nonces that the issuer was called with. */
  readonly nonces: readonly string[]
  readonly history: HistoryResult
  readonly fared: readonly Fared[]
}

/** One process, and whether it is being frozen. */
export interface Member {
  readonly child: ChildProcess
  /** Stops it for so long: no timer and no socket is served, as in a frozen environment. */
  freeze(ms: number): Promise<void>
}

/** How a run goes. */
export interface Plan extends Pick<Orders, 'redis' | 'dynamodb' | 'lifetime'> {
  readonly processes: number
  /** What happens while they run. The run ends when it resolves. */
  readonly meanwhile: (members: readonly Member[]) => Promise<void>
  /** Told when a process begins to fetch. */
  readonly onFetch?: (member: Member) => void
  /** The tag in the store at the end. */
  readonly finalTag: (key: string) => Promise<string | undefined>
}

/** Starts processes, lets them keep one token warm while things happen, and checks what they did. */
export async function playOneKey(program: Program, plan: Plan): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-one-key-'))
  const issuer = await startIssuer()
  const members: Member[] = []
  const files: string[] = []
  try {
    for (let started = 0; started < plan.processes; started += LOADING) {
      const count = Math.min(LOADING, plan.processes - started)
      const batch = Array.from({ length: count }, async (_, index) => {
        const file = join(folder, `${started + index}.jsonl`)
        files.push(file)
        const { redis, dynamodb, lifetime } = plan
        const orders: Orders = { redis, ...(dynamodb && { dynamodb }), lifetime, issuerUrl: issuer.url, file }
        members.push(await bringUp(program, orders, plan.onFetch))
      })
      await Promise.all(batch)
    }
    const startedAt = performance.now()
    for (const { child } of members) child.send('begin')
    await plan.meanwhile(members)
    const elapsed = performance.now() - startedAt
    const fared = await Promise.all(members.map(({ child }) => finish(child)))
    const events = files.flatMap((file) => linesOf(file))
    const [key = ''] = new Set(events.map((event) => event.key))
    const history = checkHistory(events, await plan.finalTag(key), { tolerance: 500 })
    return { elapsed, nonces: issuer.nonces, history, fared }
  } finally {
    for (const { child } of members) child.kill('SIGKILL')
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bringUp({ file }: Program, orders: Orders, onFetch: Plan['onFetch']): Promise<Member> {
  const child = fork(file, { execArgv: [], env: { ...process.env, NODE_COMPILE_CACHE: dirname(file) } })
  let frozen: Promise<void> | undefined
  const member: Member = {
    child,
    async freeze(ms) {
      frozen ??= stopFor(child, ms).finally(() => {
        frozen = undefined
      })
      await frozen
    },
  }
  child.on('message', (said: Said) => {
    if (said.type === 'fetching') onFetch?.(member)
  })
  child.send(orders)
  await message(child, 'ready')
  return member
}

async function stopFor(child: ChildProcess, ms: number): Promise<void> {
  child.kill('SIGSTOP')
  await sleep(ms)
  child.kill('SIGCONT')
}

async function finish(child: ChildProcess): Promise<Fared> {
  child.send('stop')
  return (await message(child, 'done')) as Fared
}

/** The next message of a kind. Rejects when the process ends instead. */
async function message(child: ChildProcess, type: Said['type']): Promise<Said> {
  const over = new AbortController()
  const ended = once(child, 'exit', over).then(() => Promise.reject(new Error('a process ended')))
  const said = async (): Promise<Said> => {
    for (;;) {
      const [one] = (await once(child, 'message', over)) as [Said]
      if (one.type === type) return one
    }
  }
  return Promise.race([said(), ended]).finally(() => over.abort())
}

function linesOf(file: string): readonly HistoryEvent[] {
  const text = readFileSync(file, { encoding: 'utf8', flag: 'a+' })
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as HistoryEvent]))
}

/** An issuer whose tokens say when they end. */
async function startIssuer() {
  const nonces: string[] = []
  const server = createServer(async (request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://issuer')
    const number = nonces.push(searchParams.get('nonce') ?? '')
    const lifetime = Number(searchParams.get('lifetime'))
    const end = Date.now() + lifetime
    await sleep(ISSUER)
    response.end(JSON.stringify({ value: `token-${number}@${end}`, lifetime }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    nonces,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}
