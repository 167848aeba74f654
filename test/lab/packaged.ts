import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '@warmtoken/infra/bundle'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PLUGIN = new URL('../../infra/bundle-plugin.ts', import.meta.url).href
const FUNCTION = 'contacts'

/** What the scenarios run. */
export type Deployed = 'contacts' | 'patient' | 'prefetching' | 'unsettled'

/** A function as it is deployed. */
export interface Packaged {
  readonly handler: string
  readonly bundle: Uint8Array | ReadonlyMap<string, Uint8Array>
}

/**
 * Packs a function. The example goes through the plugin that `serverless package` calls, and comes as its artifact; the
 * functions of the lab go through the same bundler.
 */
export async function packaged(name: Deployed): Promise<Packaged> {
  if (name === FUNCTION) return { handler: 'functions/contacts.handler', bundle: await artifact() }
  const { files } = await bundle(ROOT, [`test/lab/functions/${name}.ts`])
  return { handler: `test/lab/functions/${name}.handler`, bundle: files }
}

/** The zip of the example. The plugin writes where it is told to, so that runs side by side do not share a file. */
async function artifact(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-lab-'))
  try {
    const { default: plugin } = await import(PLUGIN)
    const path = join(folder, `${FUNCTION}.zip`)
    const functions = { [FUNCTION]: { handler: 'functions/contacts.handler', package: { artifact: path } } }
    const { hooks } = plugin({ serviceDir: ROOT, service: { provider: {}, functions } })
    await hooks['before:package:createDeploymentArtifacts']()
    return readFileSync(path)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
