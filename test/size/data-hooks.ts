import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

const ENGINE = fileURLToPath(new URL('../../packages/core/src/engine/', import.meta.url))

/** What the engine asks for the data cache alone, as text, and what stands there where no value is guarded. */
const HOOKS: readonly (readonly [find: RegExp, replace: string])[] = [
  [/\bslot\.subject\.guard\b|\bsubject\.guard\b/g, '(undefined as any)'],
  [/const \{ guard, source \} = slot\.subject/g, 'const guard = undefined as any; const { source } = slot.subject'],
  [/const \{ guard \} = slot\.subject/g, 'const guard = undefined as any'],
  [/const endTurn = await context\.writeTurn\?\.\(\)/g, 'const endTurn = undefined as any'],
  [/ && !situation\.outdated/g, ''],
  [/outdated: judgement === 'stale',/g, ''],
  [/ &&\s+one\.maxAge === other\.maxAge/g, ''],
  [/\bflight\.ask\.isBatch\b|\banswer\.issued\.passing\b|(?<!\.)\bissued\.passing\b/g, '(false as any)'],
  [/const \{ params, rejected \} = ask/g, 'const { rejected } = ask'],
  [/\{ params, time, nonce, /g, '{ nonce, '],
  [/, serverTime, alone \}/g, ', serverTime }'],
]

/** Makes bundles of an engine that knows nothing of the data cache. Its `unused` names hooks that are in no file any more. */
export function withoutDataHooks(): { readonly plugin: Plugin; readonly unused: () => readonly string[] } {
  const used = new Set<RegExp>()
  const plugin: Plugin = {
    name: 'without-data-hooks',
    setup(setup) {
      setup.onLoad({ filter: /packages\/core\/src\/engine\/.*\.ts$/ }, async ({ path }) => {
        if (!path.startsWith(ENGINE)) return undefined
        let contents = await readFile(path, 'utf8')
        for (const [find, replace] of HOOKS) {
          const changed = contents.replaceAll(find, replace)
          if (changed !== contents) used.add(find)
          contents = changed
        }
        return { contents, loader: 'ts' }
      })
    },
  }
  return { plugin, unused: () => HOOKS.filter(([find]) => !used.has(find)).map(([find]) => String(find)) }
}
