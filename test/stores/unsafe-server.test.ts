import { s3Store } from '@warmtoken/adapters-aws/s3'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { type LocalServer, type S3HookRequest, startS3 } from '@warmtoken/local'
import { afterEach, describe, expect, it } from 'vitest'
import { BUCKET, localS3 } from './backends/s3.ts'

const HOUR = 3_600_000
function how() {
  return { signal: AbortSignal.timeout(10_000), consistent: true }
}
function write() {
  return { expected: undefined, body: 'x', tag: crypto.randomUUID(), keepUntil: Date.now() + HOUR }
}

const open: { close(): Promise<void> | void }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

/** A server, and environments on it that share nothing else. */
async function start(ignoreConditions: boolean) {
  const seen: string[] = []
  const onRequest = ({ method, headers }: S3HookRequest): undefined => {
    const condition = ['if-none-match', 'if-match'].find((name) => headers.has(name))
    seen.push(condition === undefined ? method : `${method} ${condition}`)
  }
  const server: LocalServer = await startS3({ buckets: [BUCKET], ignoreConditions, onRequest })
  open.push(server)
  const environment = (options: { probe?: boolean } = {}) => {
    const client = localS3(server.url)
    open.push({ close: () => client.destroy() })
    return s3Store({ bucket: BUCKET, client, ...options })
  }
  return { environment, seen }
}

describe('a server that ignores conditions', () => {
  it('is refused at the first create, with what it did', async () => {
    const { environment } = await start(true)
    const store = environment()
    await expect(store.swap('key', write(), how())).rejects.toMatchObject({
      code: 'STORE_UNSAFE',
      retryable: false,
      message: expect.stringContaining('it answered 200 to two creates (If-None-Match: *) of one object'),
    })
    await expect(store.swap('other', write(), how())).rejects.toMatchObject({ code: 'STORE_UNSAFE' })
  })

  it('is refused by environments that only read, at no cost', async () => {
    const { environment, seen } = await start(true)
    await environment()
      .swap('key', write(), how())
      .catch(() => undefined)
    seen.length = 0
    await expect(environment().read('key', how())).rejects.toMatchObject({ code: 'STORE_UNSAFE', retryable: false })
    expect(seen).toEqual(['GET'])
  })

  it('gives no token to anyone, and its issuer is not asked', async () => {
    const { environment } = await start(true)
    let fetches = 0
    const all = Array.from({ length: 10 }, () => {
      const source = custom({ identity: { app: 'x' }, fetch: async () => ({ value: `${++fetches}`, lifetime: HOUR }) })
      return createTokens({ store: environment(), directory: false }).use(source)
    })
    for (const handle of all) await expect(handle.get()).rejects.toMatchObject({ code: 'STORE_UNSAFE' })
    expect(fetches).toBe(0)
  })
})

describe('a server that honors conditions', () => {
  it('is asked once a process, at its first create, and its object is left as it was', async () => {
    const { environment, seen } = await start(false)
    const store = environment()
    await store.read('key', how())
    const wanted = write()
    const first = await store.swap('key', wanted, how())
    expect(seen.splice(0).sort()).toEqual(['GET', 'PUT if-match', 'PUT if-none-match', 'PUT if-none-match'])
    expect((await store.read('key', how())).image).toMatchObject({ body: 'x', tag: wanted.tag })
    expect(first.outcome).toBe('swapped')
    await store.swap('other', write(), how())
    expect(seen.splice(0)).toEqual(['GET', 'PUT if-none-match'])
  })

  it('is not asked when told so, nor by those who create nothing', async () => {
    const { environment, seen } = await start(false)
    const created = await environment({ probe: false }).swap('key', write(), how())
    expect(seen.splice(0)).toEqual(['PUT if-none-match'])
    if (created.outcome !== 'swapped') throw new Error(created.outcome)
    await environment().swap('key', { ...write(), expected: created.image }, how())
    await environment().swap('key', write(), how())
    expect(seen.splice(0)).toEqual(['PUT if-match', 'PUT if-none-match', 'GET'])
  })
})
