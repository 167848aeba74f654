import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Codec } from '@warmtoken/core'
import { asFields, parseJson } from '@warmtoken/core/adapter'
import { change, inParallel, walkKeys } from '@warmtoken/core/operate'
import { aesGcm, type KeyRing } from '@warmtoken/core/seal'
import type { Context } from '../context.ts'
import { EXIT, OperatorError } from '../exit.ts'
import { openPlace, type Place, type PlaceOptions } from '../place.ts'
import { resealBody, type Sealer } from '../reseal.ts'

/** Options of `rotate-key`. */
export interface RotateOptions extends PlaceOptions {
  readonly ring?: string | undefined
  readonly codec?: string | undefined
  readonly cursor: string
}

/** How far a rotation has come. */
interface Progress {
  /** Where the next run goes on; `undefined` from the start. */
  readonly after: string | undefined
  readonly resealed: number
  readonly current: number
  readonly skipped: number
}

type Outcome = keyof Omit<Progress, 'after'>

/**
 * Seals every value of a store again with the current key: read, open, seal, swap with the image that was seen. Each record
 * is readable at every moment by a function that has both keys. After each page the cursor is written to a file, so that a
 * run that was ended goes on there. Repeating it is harmless.
 */
export async function rotateKey(context: Context, options: RotateOptions): Promise<void> {
  const { terminal, signal } = context
  const sealer = await openSealer(context, options)
  const place = await openPlace(options, context)
  const file = resolve(context.cwd, options.cursor)
  let progress = await readProgress(file, place)
  if (progress.after !== undefined) terminal.note(`Resuming an earlier run (cursor: ${options.cursor}).`)
  try {
    for await (const { keys, cursor } of walkKeys(place.inventory, context, { after: progress.after })) {
      const outcomes = await inParallel(keys, (key) => reseal(context, place, { key, sealer }))
      progress = countOutcomes({ ...progress, after: cursor }, outcomes)
      if (cursor !== undefined) await writeProgress(file, place, progress)
      terminal.progress(
        `${progress.resealed} resealed, ${progress.current} already current, ${progress.skipped} skipped`,
      )
      signal.throwIfAborted()
    }
  } catch (error) {
    throw signal.aborted ? new OperatorError('stopped; run the same command again to go on') : error
  }
  await rm(file, { force: true })
  const { resealed, current, skipped } = progress
  terminal.result({ store: place.title, resealed, current, skipped }, () => [
    `${resealed} records resealed, ${current} were sealed with the current key or hold no value.`,
  ])
  if (skipped > 0)
    throw new OperatorError(
      `${skipped} records could not be opened with these keys or are of another kind; they were not changed`,
    )
}

function countOutcomes(progress: Progress, outcomes: readonly Outcome[]): Progress {
  const counted = (wanted: Outcome): number => progress[wanted] + outcomes.filter((one) => one === wanted).length
  return { ...progress, resealed: counted('resealed'), current: counted('current'), skipped: counted('skipped') }
}

/** Seals one record again. A conflict means that an environment wrote it: it is looked at again, for its ring may be old. */
async function reseal(
  context: Context,
  place: Place,
  { key, sealer }: { readonly key: string; readonly sealer: Sealer },
): Promise<Outcome> {
  let isSkipped = false
  const changed = await change(place.store, key, context, async ({ body }, { latest: now }) => {
    const next = await resealBody(sealer, { key, body, now })
    isSkipped = next === 'skipped'
    return typeof next === 'string' ? undefined : next
  })
  if (isSkipped) return 'skipped'
  return changed === 'written' ? 'resealed' : 'current'
}

async function openSealer({ cwd }: Context, { ring, codec }: RotateOptions): Promise<Sealer> {
  if ((ring === undefined) === (codec === undefined))
    throw new OperatorError('name the keys: --ring <file> or --codec <module>', EXIT.usage)
  if (codec !== undefined) return { codec: await loadCodec(resolve(cwd, codec), codec), current: undefined }
  const json = asFields(parseJson(await readFile(resolve(cwd, String(ring)), 'utf8')))
  if (json === undefined)
    throw new OperatorError(`${ring} is not JSON; it must be {"current": "id", "keys": {"id": "base64"}}`)
  const keyRing = json as unknown as KeyRing
  // It checks the ring.
  return { codec: aesGcm({ ring: keyRing }), current: keyRing.current }
}

async function loadCodec(path: string, name: string): Promise<Codec> {
  const module: { readonly default?: Partial<Codec> } = await import(pathToFileURL(path).href)
  const given = module.default
  if (typeof given?.seal === 'function' && typeof given.open === 'function') return given as Codec
  throw new OperatorError(`${name} must have a codec as its default export, such as aesGcm({ ring: kmsKey({ … }) })`)
}

async function readProgress(file: string, place: Place): Promise<Progress> {
  const start: Progress = { after: undefined, resealed: 0, current: 0, skipped: 0 }
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return start
  const { store, after, resealed, current, skipped } = asFields(parseJson(text)) ?? {}
  const isWhole =
    [resealed, current, skipped].every((count) => Number.isSafeInteger(count)) && typeof after === 'string'
  if (!isWhole || store !== place.title)
    throw new OperatorError(`${file} is not the cursor of a rotation of the ${place.title}; delete it to start again`)
  return { after, resealed: Number(resealed), current: Number(current), skipped: Number(skipped) }
}

/** Writes the file as a whole: one that was cut off would stop the next run. */
async function writeProgress(file: string, { title }: Place, progress: Progress): Promise<void> {
  const next = `${file}.${process.pid}.tmp`
  await writeFile(next, JSON.stringify({ store: title, ...progress }))
  await rename(next, file)
}
