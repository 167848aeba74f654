import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom, startDynamoDB, startRedisServer, startUpstash } from '@warmtoken/local'
import { describe, expect, it } from 'vitest'
import { makeProgram } from '../stores/fleet/program.ts'
import { findOverlaps, type HolderLine, type HolderOrders, LENGTH, TABLE, type Tenure, tenuresOf } from './protocol.ts'

const PROCESSES = 4
/** A run lasts until so many holders were killed and frozen beyond their lease, each. */
const KILLS = 3
const FREEZES = 3
const seed = Number(process.env['WARMTOKEN_TEST_SEED'] ?? Math.floor(Math.random() * 1e9))

interface Backend {
  readonly address: Pick<HolderOrders, 'kind' | 'url' | 'token'>
  close(): Promise<void>
}

const BACKENDS: readonly (readonly [name: string, start: () => Promise<Backend>])[] = [
  [
    'DynamoDB',
    async () => {
      const { url, close } = await startDynamoDB({ tables: [TABLE] })
      return { address: { kind: 'dynamodb', url, token: '' }, close }
    },
  ],
  [
    'Redis',
    async () => {
      const redis = await startRedisServer()
      const { url, token, close } = await startUpstash({ redis })
      const closeBoth = async (): Promise<void> => {
        await close()
        await redis.close()
      }
      return { address: { kind: 'upstash', url, token }, close: closeBoth }
    },
  ],
]

/** A resource that refuses a fence below the highest that it has seen, and keeps what it accepted. */
async function startRegister() {
  const accepted: number[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const piece of request) text += piece
    const fence = Number(text)
    const isLate = fence < (accepted.at(-1) ?? 0)
    if (!isLate) accepted.push(fence)
    response.writeHead(isLate ? 409 : 204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, accepted, close }
}

/** Kills and freezes holders while they hold; resolves to what all of them wrote down. */
async function play({ address }: Backend, register: string): Promise<readonly HolderLine[]> {
  const random = seededRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-lease-'))
  const program = await makeProgram(fileURLToPath(new URL('./holder.ts', import.meta.url)))
  const files: string[] = []
  const living = new Set<ChildProcess>()
  const frozen = new Set<ChildProcess>()
  const over = Promise.withResolvers<void>()
  let [kills, freezes, thaws] = [0, 0, 0]

  const begin = (): void => {
    const file = join(folder, `${files.length}.jsonl`)
    files.push(file)
    const orders: HolderOrders = { ...address, register, file }
    const child = fork(program.file, [JSON.stringify(orders)])
    living.add(child)
    child.on('message', (message) => {
      if (message === 'holding') meddle(child)
    })
  }
  const kill = (child: ChildProcess): void => {
    kills += 1
    living.delete(child)
    child.kill('SIGKILL')
    begin()
  }
  const freeze = (child: ChildProcess): void => {
    freezes += 1
    frozen.add(child)
    child.kill('SIGSTOP')
    // Until the lease is over and another had time to take it.
    setTimeout(() => {
      child.kill('SIGCONT')
      frozen.delete(child)
      thaws += 1
    }, 3 * LENGTH)
  }
  const meddle = (child: ChildProcess): void => {
    const wanted = random()
    // Somewhere in its work, not always at the same place.
    setTimeout(() => {
      if (!living.has(child) || frozen.size > 0) return
      if (kills < KILLS && wanted < 0.3) kill(child)
      else if (freezes < FREEZES && wanted < 0.6) freeze(child)
      if (kills >= KILLS && thaws >= FREEZES) over.resolve()
    }, random() * 150)
  }

  try {
    for (let count = 0; count < PROCESSES; count += 1) begin()
    await over.promise
    // The last that were thawed have work to finish, which must be refused.
    await new Promise((resolve) => setTimeout(resolve, 2 * LENGTH))
    return files.flatMap((file) => readLines(file))
  } finally {
    for (const child of living) child.kill('SIGKILL')
    await program.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function readLines(file: string): readonly HolderLine[] {
  const text = readFileSync(file, { encoding: 'utf8', flag: 'a+' })
  // A process that was killed may have left half a line.
  return text.split('\n').flatMap((line) => (line.endsWith('}') ? [JSON.parse(line) as HolderLine] : []))
}

describe.each(BACKENDS)('leases of killed and frozen processes on %s', (_name, start) => {
  it('are never believed to be held by two, and the fence refuses what a thawed holder writes', {
    timeout: 120_000,
  }, async () => {
    const backend = await start()
    const register = await startRegister()
    try {
      const lines = await play(backend, register.url)
      const tenures = tenuresOf(lines)
      expect(findOverlaps(tenures), `seed ${seed}`).toEqual([])
      // The order of the fences is the order in which they began.
      expect(tenures.map(({ beganAt }) => beganAt)).toEqual(
        tenures.map(({ beganAt }) => beganAt).toSorted((a, b) => a - b),
      )
      expect(register.accepted).toEqual(register.accepted.toSorted((one, other) => one - other))
      // What this is about has happened: holders changed, and thawed ones wrote with their old fence.
      expect(tenures.length).toBeGreaterThan(KILLS + FREEZES)
      expect(lines.filter(({ type }) => type === 'refused').length).toBeGreaterThan(0)
    } finally {
      await register.close()
      await backend.close()
    }
  })
})

describe('the check of a history', () => {
  const tenure = (fence: number, beganAt: number, believedAt: number): Tenure => ({ fence, beganAt, believedAt })

  it('finds two that believed to hold the lease at once', () => {
    expect(findOverlaps([tenure(1, 0, 50), tenure(2, 40, 90)])).toHaveLength(1)
    expect(findOverlaps([tenure(1, 0, 50), tenure(2, 60, 90), tenure(3, 45, 46)])).toHaveLength(2)
  })

  it('finds nothing where each began after the other had ended', () => {
    expect(findOverlaps([tenure(1, 0, 50), tenure(2, 51, 90)])).toEqual([])
  })
})
