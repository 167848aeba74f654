import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { createTokens } from '@warmtoken/core'
import type { aesGcm } from '@warmtoken/core/seal'
import type { simulate } from '@warmtoken/core/simulator'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import type { Mutant } from './mutants.ts'

export type { Mutant } from './mutants.ts'

const SOURCES = fileURLToPath(new URL('../../packages/core/src/', import.meta.url))

function mutate(mutant: Mutant): Plugin {
  return {
    name: 'mutate',
    setup(setup) {
      setup.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        let contents = await readFile(path, 'utf8')
        for (const { find, replace } of mutant.edits.filter(({ file }) => path === SOURCES + file)) {
          if (contents.split(find).length !== 2)
            throw new Error(`mutant "${mutant.name}": ${path} must hold the text once: ${find}`)
          contents = contents.replace(find, () => replace)
        }
        return { contents, loader: 'ts' }
      })
    },
  }
}

/** The simulator over the mutated production sources. Throws when an edit no longer fits them. */
export function buildMutant(mutant: Mutant): Promise<{ simulate: typeof simulate }> {
  return buildSimulator(mutant, 'simulate.ts')
}

/** The same for another simulator: `entry` in its folder. */
export function buildSimulator<Exports>(mutant: Mutant, entry: string): Promise<Exports> {
  return bundled(mutant, { entryPoints: [`${SOURCES}../simulator/${entry}`] })
}

/** What users call, over the mutated production sources. */
export function mutatedKit(
  mutant: Mutant,
): Promise<{ readonly createTokens: typeof createTokens; readonly aesGcm: typeof aesGcm }> {
  const contents = "export { aesGcm } from './seal/aes-gcm.ts'\nexport { createTokens } from './tokens/tokens.ts'\n"
  return bundled(mutant, { stdin: { contents, resolveDir: SOURCES, loader: 'ts' } })
}

async function bundled<Exports>(mutant: Mutant, entry: Pick<BuildOptions, 'entryPoints' | 'stdin'>): Promise<Exports> {
  const result = await build({
    ...entry,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    plugins: [mutate(mutant)],
  })
  const code = result.outputFiles[0]?.text ?? ''
  return (await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`)) as Exports
}
