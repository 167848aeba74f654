/** Processes that write behind, drain, are killed and frozen; and a truth that shows what came of it. @module */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeBehind } from '@warmtoken/core/write-behind'
import { seededRandom, startDynamoDB } from '@warmtoken/local'
import { connect, PLACE } from '../history/connect.ts'
import type { Address } from '../history/protocol.ts'
import { makeProgram } from '../stores/fleet/program.ts'
import { type BehindLine, type BehindOrders, NAME, type Put, TIMES } from './protocol.ts'

/** How a run goes. */
export interface BehindPlan {
  /** How many writes are accepted, at least. */
  readonly writes: number
  readonly processes: number
  /** After so many accepted writes one process is killed or frozen. */
  readonly meddleEvery: number
  /** How long a process is frozen, in ms: from, to. */
  readonly freezes: readonly [number, number]
  readonly seed: number
}

/** What came of a run. */
export interface BehindHistory {
  readonly wrong: readonly string[]
  readonly counts: Readonly<Record<'accepted' | 'kills' | 'freezes' | 'failed' | 'refused', number>>
  /** What waits at the end. */
  readonly left: number
}

/** How many drains a run may need at its end. */
const MOST_DRAINS = 2_000

/** Writes behind with processes that are killed and frozen, then drains what is left. */
export async function playBehind(plan: BehindPlan): Promise<BehindHistory> {
  const dynamodb = await startDynamoDB({ tables: [PLACE] })
  const address: Address = { kind: 'dynamodb', url: dynamodb.url, token: '' }
  const truth = await startTruth()
  try {
    const { lines, counts } = await play(address, truth.url, plan)
    const left = await drainAll(address, truth.take)
    const failed = lines.flat().filter(({ type }) => type === 'failed').length
    return { wrong: check(lines, truth.taken), counts: { ...counts, failed, refused: truth.counts.refused }, left }
  } finally {
    await truth.close()
    await dynamodb.close()
  }
}

/** Drains until nothing is left; resolves to how many writes wait even so. */
async function drainAll(address: Address, take: (put: Put) => void): Promise<number> {
  const last = writeBehind({
    ...TIMES,
    store: connect(address),
    name: NAME,
    key: 'item:{id}',
    storeTimeout: 30_000,
    attempts: 1_000_000,
    apply: ({ id }, value: string, { n }) => take({ key: String(id), n, value }),
  })
  for (let turn = 0; turn < MOST_DRAINS; turn += 1) {
    const { keys, unseen } = await last.drain({ remaining: () => 600_000 })
    if (keys === 0 && unseen === 0) break
    // The leases of those that were killed end first.
    await sleep(100)
  }
  return (await last.backlog()).writes
}

/** A truth that takes each number of a key once, in order, and keeps what it took. */
async function startTruth() {
  const taken = new Map<string, Put[]>()
  const counts = { refused: 0 }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    const put = JSON.parse(text) as Put
    const list = taken.get(put.key) ?? []
    taken.set(put.key, list)
    if (put.n > (list.at(-1)?.n ?? 0)) list.push(put)
    else counts.refused += 1
    response.end()
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  const take = (put: Put): void => {
    const list = taken.get(put.key) ?? []
    taken.set(put.key, list)
    if (put.n > (list.at(-1)?.n ?? 0)) list.push(put)
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken, counts, take, close }
}

/** Writes with processes that are killed and frozen; resolves to their lines. */
async function play(
  address: Address,
  truth: string,
  { writes, processes, meddleEvery, freezes: [shortest, longest], seed }: BehindPlan,
) {
  const random = seededRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-behind-'))
  const program = await makeProgram(fileURLToPath(new URL('./process.ts', import.meta.url)))
  const files: string[] = []
  const living = new Set<ChildProcess>()
  const thaws = new Set<Promise<void>>()
  const over = Promise.withResolvers<void>()
  const counts = { accepted: 0, kills: 0, freezes: 0 }

  const begin = (): void => {
    const number = files.length
    const file = join(folder, `${number}.jsonl`)
    files.push(file)
    const orders: BehindOrders = { address, truth, file, seed: seed + number, number }
    const child = fork(program.file, [JSON.stringify(orders)])
    living.add(child)
    child.on('message', () => {
      counts.accepted += 1
      if (counts.accepted % meddleEvery === 0) meddle()
      if (counts.accepted > writes - 1) over.resolve()
    })
  }
  const meddle = (): void => {
    const all = [...living]
    const child = all[Math.floor(random() * all.length)]
    if (child === undefined) return
    if (random() < 0.5) {
      counts.kills += 1
      living.delete(child)
      child.kill('SIGKILL')
      begin()
      return
    }
    counts.freezes += 1
    child.kill('SIGSTOP')
    const thawed = sleep(shortest + random() * (longest - shortest)).then(() => {
      child.kill('SIGCONT')
      thaws.delete(thawed)
    })
    thaws.add(thawed)
  }

  try {
    for (let count = 0; count < processes; count += 1) begin()
    await over.promise
    await Promise.all(thaws)
    const ended = [...living].map((child) => once(child, 'exit'))
    for (const child of living) child.send('stop')
    await Promise.all(ended)
    return { lines: files.map(readLines), counts }
  } finally {
    for (const child of living) child.kill('SIGKILL')
    await program.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function readLines(file: string): readonly BehindLine[] {
  const text = readFileSync(file, { encoding: 'utf8', flag: 'a+' })
  // A process that was killed may have left half a line.
  return text.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as BehindLine] : []))
}

/** What is wrong with what the truth took, as sentences. */
export function check(
  processes: readonly (readonly BehindLine[])[],
  taken: ReadonlyMap<string, readonly Put[]>,
): readonly string[] {
  const wrong: string[] = []
  const numberOf = new Map<string, number>()
  for (const puts of taken.values())
    for (const { value, n } of puts) {
      if (numberOf.has(value)) wrong.push(`${value} was applied twice`)
      numberOf.set(value, n)
    }
  const asked = new Set(processes.flat().flatMap((line) => (line.type === 'asks' ? [line.value] : [])))
  for (const value of numberOf.keys()) if (!asked.has(value)) wrong.push(`${value} was applied, and nobody wrote it`)
  for (const lines of processes) {
    const last = new Map<string, number>()
    for (const line of lines) {
      if (line.type !== 'accepted') continue
      const { key, value, n } = line
      if (numberOf.get(value) !== n) wrong.push(`${value} was accepted as ${n} and applied as ${numberOf.get(value)}`)
      if (n <= (last.get(key) ?? 0)) wrong.push(`${value} is not after what its process wrote before`)
      last.set(key, n)
    }
  }
  return wrong
}
