import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Costs {
  /** What `Date.now()` alone makes: V8 puts its result into an object of 16 bytes. */
  readonly clock: number
  readonly peek: number
  readonly peekWithLife: number
  readonly get: number
  readonly samePromise: boolean
  readonly inputs: number
}

let folder = ''
let costs: Costs
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-hits-'))
  const script = fileURLToPath(new URL('./run-hits.ts', import.meta.url))
  // A young generation that is never full: then nothing is collected, and all that is made is seen.
  const flags = ['--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256', '--conditions=source']
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, folder])
  costs = JSON.parse(stdout) as Costs
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a memory hit', () => {
  it('by peek makes nothing but its reading of the clock: less than a byte a call over a million calls', () => {
    expect(costs.peek - costs.clock).toBeLessThan(1)
    expect(costs.peekWithLife - costs.clock).toBeLessThan(1)
  })

  it('by get returns the same promise and makes nothing more', () => {
    expect(costs.samePromise).toBe(true)
    expect(costs.get - costs.clock).toBeLessThan(1)
  })

  it('touches no file and waits for nothing', () => {
    expect(costs.inputs).toBe(0)
  })
})
