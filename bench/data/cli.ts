// `pnpm bench data`: a value of a resource in memory, its recheck, and a large value by S3.
import { ask, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { median, medianRatio, show } from '../run/numbers.ts'
import { publish } from '../run/page.ts'
import { column, interleave } from '../run/rounds.ts'
import type { BodyTimes } from './bodies.ts'
import type { RecheckTimes } from './recheck.ts'

const LIMIT = 'warmtoken get + Map lookup by a built key'
const OURS = 'createCache get'
const PEERS = ['cache-manager', '@epic-web/cachified', 'bentocache', 'cacheable']
const HITS = [LIMIT, OURS, 'createCache peek', ...PEERS]

const { flags } = readCommand({ name: 'pnpm bench data', flags: ['rounds'] })
const [rounds = 15] = flags.get('rounds') ?? []

const hit = new URL('../warm/run.ts', import.meta.url)
const hits = await interleave(HITS, rounds, (name) =>
  ask<{ readonly tight: number }>(hit, { args: [name, 'time'], flags: SOURCES }),
)
const ns = (name: string): readonly number[] => column(hits, name, ({ tight }) => tight)
const overLimit = (name: string): number => medianRatio(ns(name), ns(LIMIT))
const [nearest] = PEERS.map((name) => ({ name, ratio: overLimit(name) })).sort((one, other) => one.ratio - other.ratio)

const requests = await interleave(['recheck'], rounds, () =>
  ask<RecheckTimes>(new URL('./recheck.ts', import.meta.url), { flags: SOURCES }),
)
const checks = (of: keyof RecheckTimes): readonly number[] => column(requests, 'recheck', (one) => one[of])

const BODIES = ['rowsFar', 'noiseFar', 'rowsNear', 'noiseNear'] as const
type Bodies = { readonly [name in (typeof BODIES)[number]]: BodyTimes }
const bodies = await interleave(['bodies'], rounds, () =>
  ask<Bodies>(new URL('./bodies.ts', import.meta.url), { flags: SOURCES }),
)
const body = (name: keyof Bodies, of: keyof BodyTimes) => column(bodies, 'bodies', (one) => one[name][of])
const overRaw = (name: keyof Bodies): number => medianRatio(body(name, 'ours'), body(name, 'raw'))
const TITLES: { readonly [name in keyof Bodies]: string } = {
  rowsFar: 'rows, 20 ms to the first byte',
  noiseFar: 'random text, 20 ms to the first byte',
  rowsNear: 'rows, no network',
  noiseNear: 'random text, no network',
}

await publish({
  name: 'data',
  title: 'Cached data',
  about: `*A hit*: a value of a typed resource in memory, whose key is built from its parameters, in processes of its own, in turns with the
others; processor time in a loop. Its limit is a token's hit and one lookup in a Map by a built key. The peers are handed a key that never changes.
*A recheck*: a \`get\` that finds its entry due asks a local DynamoDB (dynoxide) for the record, its tag and the root of the cache by one request;
beside it one consistent GetItem of the record by the AWS SDK, and by the small client of \`dynamoDBStore\`. *A large value*: a new environment
reads 1 MB of JSON, sealed by AES-256, from a local S3; beside it a GetObject of the same JSON as it is, parsed. Rows shrink to a fifth by gzip, random text
to a half. With a first byte after 20 ms, as fast as S3 is within a region; and with no network at all, where computation is everything. Ratios are taken
within each round, so they need not be those of the medians in the tables.`,
  goals: [
    { what: 'a hit', limit: LIMIT, ours: overLimit(OURS), peer: nearest, goal: 1.1 },
    {
      what: 'a recheck',
      limit: 'GetItem by the AWS SDK',
      ours: medianRatio(checks('recheck'), checks('sdk')),
      goal: 1.2,
    },
    {
      what: 'a recheck',
      limit: 'GetItem by the small client',
      ours: medianRatio(checks('recheck'), checks('signed')),
    },
    ...BODIES.map((name) => ({
      what: `1 MB: ${TITLES[name]}`,
      limit: 'GetObject and JSON.parse',
      ours: overRaw(name),
      ...(name.endsWith('Far') && { goal: 1.5 }),
    })),
  ],
  details: [
    {
      title: 'A hit',
      head: ['', '× limit', 'ns'],
      rows: HITS.map((name) => [name, show(overLimit(name)), show(median(ns(name)))]),
    },
    {
      title: 'A recheck',
      head: ['recheck, ms', 'GetItem by the SDK, ms', 'by the small client, ms', 'checks a call'],
      rows: [(['recheck', 'sdk', 'signed', 'checksEach'] as const).map((of) => show(median(checks(of))))],
    },
    {
      title: 'A large value',
      head: ['', 'sealed, ms', 'as it is, ms'],
      rows: BODIES.map((name) => [TITLES[name], show(median(body(name, 'ours'))), show(median(body(name, 'raw')))]),
    },
  ],
  picture: {
    title: 'One hit, × a token’s hit and one Map lookup',
    axis: 'times the limit',
    log: true,
    bars: HITS.map((name) => ({
      name,
      value: overLimit(name),
      ours: name === OURS || name === LIMIT || name === 'createCache peek',
    })),
  },
  rounds,
})
