import { TOKEN, type Variant } from './variant.ts'

async function openKeyvFile(folder: string) {
  const { KeyvFile } = await import('keyv-file')
  // A file a key; with one file for all, only the first read of a process is from the disk.
  const cache = new KeyvFile({ filename: `${folder}/keyv`, separatedFile: true, writeDelay: 0 })
  await cache.set('key', TOKEN)
  return cache
}

async function openBento(folder: string) {
  const { fileDriver } = await import('bentocache/drivers/file')
  const driver = fileDriver({ directory: `${folder}/bento`, pruneInterval: false }).factory({
    directory: `${folder}/bento`,
    pruneInterval: false,
  } as never)
  await driver.set('key', TOKEN)
  return driver
}

async function openFlat(folder: string) {
  const { FlatCache } = await import('flat-cache')
  const options = { cacheDir: folder, cacheId: 'flat' }
  const cache = new FlatCache(options)
  cache.setKey('key', TOKEN)
  cache.save(true)
  return { FlatCache, cache, options }
}

/** Other caches that rest in files. */
export const peers: readonly Variant[] = [
  {
    name: 'keyv-file, hit',
    kind: 'hit',
    open: async (folder) => {
      const cache = await openKeyvFile(folder)
      return () => cache.get('key')
    },
  },
  {
    name: 'keyv-file, synchronous hit',
    kind: 'hit',
    open: async (folder) => {
      const cache = await openKeyvFile(folder)
      return () => cache.getSync('key')
    },
  },
  {
    name: 'bentocache file driver, hit',
    kind: 'hit',
    open: async (folder) => {
      const driver = await openBento(folder)
      return () => driver.get('key')
    },
  },
  {
    name: 'flat-cache, load and hit',
    kind: 'hit',
    open: async (folder) => {
      const { FlatCache, options } = await openFlat(folder)
      return () => {
        const cache = new FlatCache(options)
        cache.load()
        return cache.getKey('key')
      }
    },
  },
  {
    name: 'keyv-file, miss',
    kind: 'miss',
    open: async (folder) => {
      const cache = await openKeyvFile(folder)
      return async () => (await cache.get('other')) === undefined
    },
  },
  {
    name: 'bentocache file driver, miss',
    kind: 'miss',
    open: async (folder) => {
      const driver = await openBento(folder)
      return async () => (await driver.get('other')) === undefined
    },
  },
  {
    name: 'keyv-file, write',
    kind: 'write',
    open: async (folder) => {
      const cache = await openKeyvFile(folder)
      return async () => {
        await cache.set('key', TOKEN)
        return true
      }
    },
  },
  {
    name: 'bentocache file driver, write',
    kind: 'write',
    open: async (folder) => {
      const driver = await openBento(folder)
      return () => driver.set('key', TOKEN)
    },
  },
  {
    name: 'flat-cache, write',
    kind: 'write',
    open: async (folder) => {
      const { cache } = await openFlat(folder)
      return () => {
        cache.save(true)
        return true
      }
    },
  },
]
