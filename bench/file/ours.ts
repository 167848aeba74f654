import { randomBytes } from 'node:crypto'
import { type Codec, createTokens, type TokenHandle } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { aesGcm } from '@warmtoken/core/seal'
import { type FileEntry, type FileTier, openFileTier } from '../run/inside.ts'
import { HOUR, TOKEN, type Variant } from './variant.ts'

function use(directory: string, codec: Codec | undefined): TokenHandle {
  return createTokens({ directory, ...(codec && { codec }) }).use(
    custom({ identity: 'file', fetch: async () => ({ value: TOKEN, lifetime: HOUR }) }),
  )
}

interface Opened {
  readonly tier: FileTier
  readonly key: string
  readonly entry: FileEntry
}

function sealedIn(tier: FileTier, key: string): string {
  const sealed = tier.read(key)?.sealed
  if (sealed === undefined) throw new Error('the file tier does not hit')
  return sealed
}

/** Has the toolkit write the file, as in production, and opens the tier alone on it. */
async function openTier(directory: string, codec?: Codec): Promise<Opened> {
  const handle = use(directory, codec)
  await handle.get()
  const tier = await openFileTier(directory)
  const entry = tier.read(handle.key)
  if (entry === undefined) throw new Error('the toolkit wrote no file')
  return { tier, key: handle.key, entry }
}

function newCodec(): Codec {
  return aesGcm({ ring: { current: 'one', keys: { one: randomBytes(32) } } })
}

/** A whole `get` of a new toolkit: everything from the options to the Token. */
function wholeGet(directory: string, codec: Codec | undefined) {
  return async (): Promise<string> => {
    const token = await use(directory, codec).get()
    if (token.tier !== 'file') throw new Error(`the token came from ${token.tier}`)
    return token.value
  }
}

/** The file tier, and what stands on it. */
export const ours: readonly Variant[] = [
  {
    name: 'warmtoken, hit',
    part: 'ours',
    kind: 'hit',
    open: async (folder) => {
      const { tier, key } = await openTier(folder)
      return () => JSON.parse(sealedIn(tier, key))
    },
  },
  {
    name: 'warmtoken, sealed hit',
    part: 'ours',
    kind: 'sealed hit',
    open: async (folder) => {
      const codec = newCodec()
      const { tier, key } = await openTier(folder, codec)
      return () => JSON.parse(String(codec.open(sealedIn(tier, key), key)))
    },
  },
  {
    name: 'warmtoken, miss',
    part: 'ours',
    kind: 'miss',
    open: async (folder) => {
      const { tier } = await openTier(folder)
      return () => tier.read('other~AAAAAAAAAAAAAAAAAAAAAA') === undefined
    },
  },
  {
    name: 'warmtoken, write',
    part: 'ours',
    kind: 'write',
    open: async (folder) => {
      const { tier, key, entry } = await openTier(folder)
      return () => {
        tier.write(key, entry)
        return true
      }
    },
  },
  {
    name: 'warmtoken, first get of a new toolkit',
    part: 'beside',
    kind: 'hit',
    open: async (folder) => {
      await openTier(folder)
      return wholeGet(folder, undefined)
    },
  },
  {
    name: 'warmtoken, first get of a new toolkit, sealed',
    part: 'beside',
    kind: 'sealed hit',
    open: async (folder) => {
      const codec = newCodec()
      await openTier(folder, codec)
      return wholeGet(folder, codec)
    },
  },
]
