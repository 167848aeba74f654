import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Bundled, bundle } from '../run/bundle.ts'
import { ask } from '../run/child.ts'
import { interleave, type Measured } from '../run/rounds.ts'
import { region } from './signed.ts'
import { startStandIn } from './stand-in.ts'
import type { Variant } from './variants.ts'

/** What one process measured: ms and KB. */
export interface Costs {
  readonly load: number
  readonly first: number
  readonly cpu: number
  readonly memory: number
}

/** What was measured of each bundle, by its name. */
export interface ColdStarts {
  readonly measured: Measured<Costs>
  readonly bundles: ReadonlyMap<string, Bundled>
}

const TOKEN = `token-of-this-benchmark-${'x'.repeat(1_000)}`

/** Loads each bundle in new processes of its own, which join the control group `group` where one is given. */
export async function measureCold(variants: readonly Variant[], rounds: number, group?: string): Promise<ColdStarts> {
  const folder = await mkdtemp(join(tmpdir(), 'warmtoken-cold-'))
  const directory = join(folder, 'tokens')
  const standIn = await startStandIn(folder, TOKEN, directory)
  try {
    const bundles = new Map<string, Bundled>()
    for (const [index, { name, source, plugin = false }] of variants.entries()) {
      const outdir = join(folder, `bundle-${index}`)
      await mkdir(outdir)
      bundles.set(name, await bundle(source, outdir, plugin))
    }
    const loader = await bundle('cold/load.ts', join(folder, 'loader'), false)
    const measured = await interleave(
      variants.map(({ name }) => name),
      rounds,
      (name) =>
        ask<Costs>(pathToFileURL(loader.path), {
          args: [bundles.get(name)?.path ?? ''],
          env: {
            BENCH_ENDPOINT: standIn.endpoint,
            BENCH_TABLE: standIn.table,
            BENCH_KEY: standIn.key,
            BENCH_FOLDER: directory,
            BENCH_PROCESS: variants.find((one) => one.name === name)?.bare === true ? 'bare' : 'lambda',
            BENCH_TIER: variants.find((one) => one.name === name)?.tier ?? '',
            AWS_REGION: region,
            AWS_ACCESS_KEY_ID: 'local',
            AWS_SECRET_ACCESS_KEY: 'local',
            NODE_EXTRA_CA_CERTS: standIn.certificate,
          },
          ...(group !== undefined && { group }),
        }),
    )
    return { measured, bundles }
  } finally {
    await standIn.close()
    await rm(folder, { recursive: true, force: true })
  }
}
