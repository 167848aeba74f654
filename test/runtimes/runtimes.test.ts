import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { binaryOf } from './binaries.ts'
import { type Machine, runProgram, runWorker, startMachine } from './machine.ts'
import type { Outcome, Settings } from './program.ts'

type Result = Outcome | { readonly error: string }

interface Place {
  /** What stands in the table of the page. */
  readonly row: string
  /** Where the second environment finds the token, or what `get` fails with. */
  readonly second: string
  run(machine: Machine, settings: Settings): Promise<Result>
}

const DENO = ['run', '--no-prompt', '--no-config'] as const

function deno(...rights: readonly string[]): Place['run'] {
  return ({ bundle }, settings) => runProgram([binaryOf('deno'), ...DENO, ...rights, bundle], settings)
}

function worker(compatibilityDate: string, how: Partial<Settings> = {}): Place['run'] {
  const options = { compatibilityDate, compatibilityFlags: ['nodejs_compat'] }
  return (machine, settings) => runWorker(machine, options, { ...settings, directory: false, client: true, ...how })
}

const PLACES: readonly Place[] = [
  {
    row: 'Node, bundled',
    second: 'file',
    run: ({ bundle }, settings) => runProgram([process.execPath, bundle], settings),
  },
  {
    row: 'Bun, from source',
    second: 'file',
    run: ({ source }, settings) => runProgram([binaryOf('bun'), '--conditions=source', source], settings),
  },
  {
    row: 'Bun, bundled',
    second: 'file',
    run: ({ bundle }, settings) => runProgram([binaryOf('bun'), bundle], settings),
  },
  {
    row: 'Deno, from source, all rights',
    second: 'file',
    run: ({ source }, settings) =>
      runProgram([binaryOf('deno'), 'run', '--no-prompt', '-A', '--conditions=source', source], settings),
  },
  {
    row: 'Deno, bundled, with `--allow-net --allow-read --allow-write --allow-sys=uid`',
    second: 'file',
    run: deno('--allow-net', '--allow-read', '--allow-write', '--allow-sys=uid'),
  },
  {
    row: 'Deno, bundled, without `--allow-sys`',
    second: 'store',
    run: deno('--allow-net', '--allow-read', '--allow-write'),
  },
  { row: 'Deno, bundled, with `--allow-net` only', second: 'store', run: deno('--allow-net') },
  { row: 'workerd, `compatibility_date` 2026-11-01', second: 'store', run: worker('2026-11-01') },
  {
    row: 'workerd, 2026-11-01, `directory` not false',
    second: 'store',
    run: worker('2026-11-01', { directory: '/tmp/warmtoken' }),
  },
  { row: 'workerd, 2025-01-01 and `nodejs_compat`', second: 'store', run: worker('2025-01-01') },
  {
    row: 'workerd, 2026-11-01, a store without `client`',
    second: 'this runtime has only a part of node:https; set "client"',
    run: worker('2026-11-01', { client: false }),
  },
  {
    row: 'workerd, 2024-01-01 and `nodejs_compat`',
    second: 'Workers: set "nodejs_compat"',
    run: worker('2024-01-01'),
  },
]

let machine: Machine
beforeAll(async () => {
  machine = await startMachine()
})
afterAll(() => machine?.close())

const TIER = /^(file|store)$/

it.for(PLACES.map((place, index) => ({ ...place, index })))(
  'a token on $row: $second',
  async ({ run, second, index }) => {
    const before = machine.issuer.tokenRequests
    const settings = { ...machine.settings, directory: join(machine.folder, String(index)), prefix: `${index}:` }
    const result = await run(machine, settings)
    if (!TIER.test(second)) return expect(result).toEqual({ error: expect.stringContaining(second) })
    expect(result).toMatchObject({ tiers: ['source', 'memory', second], same: true })
    expect(machine.issuer.tokenRequests - before).toBe(1)
  },
)

it('Deno without the right to ask for its user says so by an event, and uses no file', async () => {
  const settings = { ...machine.settings, directory: join(machine.folder, 'no-user') }
  const result = await deno('--allow-net', '--allow-read', '--allow-write')(machine, settings)
  expect(result).toMatchObject({ events: expect.arrayContaining(['file-error: disk']) })
})

it('the page lists every place that is tried here, and no other', () => {
  const page = readFileSync(new URL('../../docs/what-works-where.md', import.meta.url), 'utf8')
  const tried = page.slice(page.indexOf('## What is tried'))
  const rows = [...tried.matchAll(/^\| ((?:Node|Bun|Deno|workerd)[^|]*?) \| ([^|]*?) \|/gm)]
  expect(rows.map(([, row, second]) => [row, second])).toEqual(
    PLACES.map(({ row, second }) => [row, TIER.test(second) ? second : 'error']),
  )
  const { devDependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))
  for (const name of ['bun', 'deno', 'workerd']) expect(page).toContain(devDependencies[name])
})
