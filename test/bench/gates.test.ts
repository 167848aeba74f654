import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { ENTRY_BYTES, LOADED_BYTES, MIDDLEWARE_BYTES, MIDDLEWARE_PROMISES } from './gates.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** A young generation that is never full: all that is made is seen. */
const COUNTING = ['--conditions=source', '--expose-gc', '--max-semi-space-size=256', '--min-semi-space-size=256']

/** Runs a process of a benchmark; only what it counts is used here, never its times. */
async function ask<T>(script: string, ...args: readonly string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [...COUNTING, `${ROOT}bench/${script}`, ...args])
  return JSON.parse(stdout) as T
}

describe('what the middleware adds to an invocation that memory can serve', () => {
  interface Made {
    readonly bytes: number
    readonly promises: number
  }

  it('is bounded in promises and in bytes', async () => {
    const bare = await ask<Made>('middleware/run.ts', 'Middy with nothing', 'made')
    const ours = await ask<Made>('middleware/run.ts', 'Middy + warmTokens', 'made')
    expect(ours.promises - bare.promises).toBeLessThanOrEqual(MIDDLEWARE_PROMISES)
    expect(ours.bytes - bare.bytes).toBeLessThanOrEqual(MIDDLEWARE_BYTES)
  })
})

describe('what memory keeps for an entry', () => {
  const SIZE = '20000'
  interface Kept {
    readonly bytes: number
  }

  it('is bounded beside the token itself', async () => {
    const bare = await ask<Kept>('memory/run.ts', 'the strings alone', SIZE)
    const ours = await ask<Kept>('memory/run.ts', 'warmtoken, handle made for each call', SIZE)
    expect(ours.bytes - bare.bytes).toBeLessThanOrEqual(ENTRY_BYTES)
  })
})

describe('a thousand callers of one process', () => {
  it('cause one fetch', async () => {
    const { fetches } = await ask<{ readonly fetches: number }>('stampede/run-one.ts', 'warmtoken')
    expect(fetches).toBe(1)
  })
})

describe('the bundle of core, a source and Middy', () => {
  const ENTRY = 'bench/cold/load/core.ts'

  const bundleCore = async () => {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: [ENTRY],
      outdir: 'nowhere',
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      conditions: ['source'],
      mainFields: ['module', 'main'],
      legalComments: 'none',
      logLevel: 'silent',
      metafile: true,
      write: false,
    })
    return metafile.outputs
  }

  /** Names of what is loaded with the entry, built-ins too. */
  const loadedOf = (outputs: Awaited<ReturnType<typeof bundleCore>>): ReadonlySet<string> => {
    const seen = new Set<string>()
    const load = (name: string): void => {
      if (seen.has(name)) return
      seen.add(name)
      for (const { kind, path } of outputs[name]?.imports ?? []) if (kind === 'import-statement') load(path)
    }
    for (const [name, { entryPoint }] of Object.entries(outputs)) if (entryPoint === ENTRY) load(name)
    return seen
  }

  it('loads no more bytes than its budget', async () => {
    const outputs = await bundleCore()
    const bytes = [...loadedOf(outputs)].reduce((sum, name) => sum + (outputs[name]?.bytes ?? 0), 0)
    expect(bytes).toBeGreaterThan(5_000)
    expect(bytes).toBeLessThanOrEqual(LOADED_BYTES)
  })

  it('imports no module of Node but the one that Middy does', async () => {
    const outputs = await bundleCore()
    expect([...loadedOf(outputs)].filter((name) => outputs[name] === undefined)).toEqual(['node:timers'])
  })
})
