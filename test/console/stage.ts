/** A fleet of planted records behind a real admin function, served on this machine, and a real browser. */

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { serveLocally } from '@warmtoken/cli/serve'
import { ensureBuilt } from '@warmtoken/console-app/build'
import { createTokens, type Store } from '@warmtoken/core'
import type { Inventory } from '@warmtoken/core/adapter'
import { type AdminOptions, createAdmin } from '@warmtoken/core/admin'
import { createCache } from '@warmtoken/core/data'
import { memoryStore } from '@warmtoken/core/memory'
import { emptyRecord, printRecord, type Refresh, type WarmRecord } from '@warmtoken/core/record'
import { createReport } from '@warmtoken/core/report'
import { createSessions } from '@warmtoken/core/sessions'

const FOLDERS = ['/usr/bin', fileURLToPath(new URL('../../.warmtoken/servers/bin', import.meta.url))]
/** The browser, where it is installed. */
export const CHROMIUM: string | undefined = FOLDERS.flatMap((folder) => [
  `${folder}/chromium-headless-shell`,
  `${folder}/chromium`,
]).find(existsSync)

/** What no page may show. */
export const SECRET = 'marked-secret-value'
const MINUTE = 60_000
const NEVER = new AbortController().signal

/** A fleet and its console. */
export interface Stage {
  readonly url: string
  readonly store: Store
  /** The keys of the planted records, in the order in which they were planted. */
  readonly keys: readonly string[]
  /** Writes a record over the one that is there. */
  put(record: WarmRecord): Promise<void>
  /** From now on every request fails, or none does. */
  fail(isFailing: boolean): void
  close(): Promise<void>
}

/** What is planted, and how the function is started. */
export interface StageOptions extends Pick<AdminOptions, 'control'> {
  /** How many records of made-up sources. */
  readonly records: number
  /** The port, so that a console comes back at the same address. Default: any. */
  readonly port?: number
  /** Leaves out what a real environment adds: tokens, a cache, sessions, counts. */
  readonly isBare?: boolean
}

/** Plants a fleet and serves its console. */
export async function startStage({ records, control = false, port = 0, isBare = false }: StageOptions): Promise<Stage> {
  await ensureBuilt()
  const { page } = await import('@warmtoken/console')
  const { store, inventory } = listedStore()
  const keys: string[] = []
  const put = async (record: WarmRecord): Promise<void> => {
    const { image } = await store.read(record.key, { signal: NEVER, consistent: true })
    const swap = { expected: image, body: printRecord(record), tag: crypto.randomUUID(), keepUntil: record.keepUntil }
    await store.swap(record.key, swap, { signal: NEVER })
  }
  const random = seeded(7)
  for (let n = 0; n < records; n += 1) {
    const record = plant(n, Date.now(), random)
    keys.push(record.key)
    await put(record)
  }
  const handler = createAdmin({
    store,
    inventory,
    page,
    control,
    access: 'loopback',
    operator: 'ada',
    ...(isBare ? {} : await fill(store)),
  })
  let isFailing = false
  const stop = new AbortController()
  const failure = {
    statusCode: 503,
    headers: { 'content-type': 'application/json' },
    body: '{"message":"It is down."}',
  }
  const { url, closed } = await serveLocally(
    async (payload) => (isFailing ? failure : handler(payload)),
    port,
    stop.signal,
  )
  return {
    url,
    store,
    keys,
    put,
    fail(whether) {
      isFailing = whether
    },
    async close() {
      stop.abort()
      await closed
    },
  }
}

/** What real environments write and count. */
async function fill(store: Store): Promise<Pick<AdminOptions, 'tokens' | 'caches' | 'report'>> {
  const report = createReport()
  const tokens = createTokens({ store, directory: false, report })
  const bind = (toolkit: typeof tokens, name: string) =>
    toolkit.use(
      {
        kind: 'oauth2',
        identity: () => name,
        fetch: async () => ({ value: { value: SECRET, type: 'Bearer' }, lifetime: 60 * MINUTE }),
      },
      { name },
    )
  const [crm, pay] = [bind(tokens, 'crm'), bind(tokens, 'pay')]
  for (let n = 0; n < 900; n += 1) await crm.get()
  for (let n = 0; n < 310; n += 1) await pay.get()
  for (let n = 0; n < 120; n += 1) await bind(createTokens({ store, directory: false, report }), 'crm').get()
  const cache = createCache({ name: 'boards', store })
  const board = cache.use({
    key: 'leaderboard:{game}',
    name: 'leaderboard',
    fresh: MINUTE,
    usable: 60 * MINUTE,
    load: async () => Array.from({ length: 40 }, (_, n) => ({ player: `${SECRET} ${n}`, score: n })),
  })
  for (const game of ['chess', 'go', 'poker', 'chess', 'go', 'chess']) await board.get({ game })
  await cache.invalidate({ match: 'leaderboard:ch*' })
  const sessions = createSessions({ store })
  for (const user of ['ann', 'ben', 'cleo']) await sessions.create(user, { note: SECRET })
  return { tokens: { crm, pay }, caches: [{ name: 'boards', cache }], report }
}

/** A record as fleets have them: most are fresh, some are not as they should be. */
function plant(n: number, now: number, random: () => number): WarmRecord {
  const hex = (length: number): string => Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join('')
  const kind = ['oauth2', 'salesforce', 'github', 'feishu', 'project:42', 'wechat'][n % 6]
  const key = `${kind}~${hex(40)}`
  const life = ([60, 120, 24 * 60, 30][n % 4] ?? 60) * MINUTE
  const issuedAt = Math.floor(now - random() * life * (n % 9 === 0 ? 1.15 : 0.8))
  const refreshes = Array.from({ length: 10 }, (_, i): Refresh => {
    const at = Math.floor(issuedAt - (9 - i) * life * 0.8 * (0.9 + random() * 0.2))
    const took = Math.floor(60 + random() ** 4 * 4_000)
    return [at, hex(8), took, i < 9 && random() < 0.06 ? 'unavailable' : 'ok', hex(8)]
  })
  const value = {
    version: issuedAt,
    issuedAt,
    softExpiry: issuedAt + life * 0.85,
    hardExpiry: issuedAt + life,
    fingerprint: hex(8),
    sealed: SECRET,
    publisher: hex(16),
  }
  return {
    ...emptyRecord(key),
    epoch: 3,
    keepUntil: now + 1e9,
    value,
    refreshes: n === 7 ? [...refreshes.slice(1), stopped(now, value.fingerprint)] : refreshes,
    ...(n % 12 === 3 && { lease: { nonce: hex(32), acquiredAt: now - 800, length: 30 * MINUTE } }),
    ...(n % 16 === 5 && {
      failure: { count: 3, kind: 'throttled', code: 'HTTP_429', notBefore: now + (4 + (n % 7)) * MINUTE },
    }),
    ...(n === 7 && {
      failure: { count: 2, kind: 'unavailable', code: 'OPERATOR_STOP', notBefore: now + 42 * MINUTE },
    }),
    ...(n === 9 && { rejectPause: { count: 2, until: now + 3 * MINUTE } }),
    ...(n === 11 && {
      exclusive: true,
      intent: { nonce: hex(16), fingerprint: hex(8), at: now - 9 * MINUTE, tries: 2, dead: true },
    }),
  }
}

function stopped(now: number, fingerprint: string): Refresh {
  const by = 'operator arn:aws:sts::123456789012:assumed-role/operator/ada: the vendor revokes tokens, ticket 2113'
  return [now - 5 * MINUTE, by, 0, 'stopped', fingerprint]
}

function listedStore(): { readonly store: Store; readonly inventory: Inventory } {
  const memory = memoryStore()
  const keys = new Set<string>()
  return {
    store: {
      ...memory,
      name: 'dynamodb',
      swap(key, swap, options) {
        keys.add(key)
        return memory.swap(key, swap, options)
      },
    },
    inventory: {
      name: 'dynamodb',
      async *pages() {
        yield { keys: [...keys], cursor: undefined }
      },
    },
  }
}

/** Numbers in [0, 1) that are the same in each run. */
function seeded(start: number): () => number {
  let state = start
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return state / 2_147_483_647
  }
}
