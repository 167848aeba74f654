import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

/** A script in one file: hundreds of processes or threads that load the SDK file by file take minutes. */
export interface Program {
  readonly file: string
  /** Removes it. */
  close(): Promise<void>
}

/** Bundles a script into a folder of its own. */
export async function makeProgram(script: string): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'warmtoken-fleet-'))
  const file = join(folder, 'program.cjs')
  const close = () => rm(folder, { recursive: true, force: true })
  const form = { bundle: true, platform: 'node', format: 'cjs', target: 'node22' } as const
  await build({ ...form, conditions: ['source'], entryPoints: [script], outfile: file, logLevel: 'error' }).catch(
    async (error: unknown) => {
      await close()
      throw error
    },
  )
  return { file, close }
}
