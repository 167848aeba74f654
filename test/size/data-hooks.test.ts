import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Bundled, bundleHandler, loadedWith } from './bundle.ts'
import { withoutDataHooks } from './data-hooks.ts'

/** What tokens may pay for the data cache, in bytes: with a hit, and until a cold token is there. */
const HIT_GROWTH = 200
const COLD_GROWTH = 1_024

const hooks = withoutDataHooks()
let folder = ''
let real: Bundled
let bare: Bundled
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-hooks-'))
  real = await bundleHandler(join(folder, 'real'))
  bare = await bundleHandler(join(folder, 'bare'), [hooks.plugin])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Bytes of core that are loaded until a cold token is there: the start and the miss path. */
function coldBytes({ chunks, entry }: Bundled): number {
  const missPath = chunks.find(({ name }) => name.startsWith('miss-path'))
  if (missPath === undefined) throw new Error('there is no chunk of the miss path')
  const loaded = loadedWith(chunks, missPath, new Set(loadedWith(chunks, entry)))
  return loaded.reduce((total, { bytes }) => total + bytes, 0)
}

it('the hooks of the data cache are where the engine without them is made', () => {
  expect(hooks.unused()).toEqual([])
})

it('a hit of a token loads at most 200 bytes for the data cache', () => {
  const growth = real.loaded - bare.loaded
  expect(growth).toBeGreaterThan(0)
  expect(growth).toBeLessThanOrEqual(HIT_GROWTH)
})

it('a cold token loads at most 1 KB for the data cache', () => {
  const growth = coldBytes(real) - coldBytes(bare)
  console.log(`for the data cache, a hit loads ${real.loaded - bare.loaded} bytes and a cold token ${growth}`)
  expect(growth).toBeGreaterThan(real.loaded - bare.loaded)
  expect(growth).toBeLessThanOrEqual(COLD_GROWTH)
})

it('nothing of the data cache itself is in the bundle of a token', () => {
  const inputs = real.chunks.flatMap((chunk) => chunk.inputs)
  expect(inputs.filter((input) => input.includes('packages/core/src/data/'))).toEqual([])
})
