import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms'
import { type KmsKeyOptions, kmsKey } from '@warmtoken/adapters-aws/kms'
import { type Codec, createTokens, type WarmEvent } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { memoryStore } from '@warmtoken/core/memory'
import { aesGcm, type KeyRing } from '@warmtoken/core/seal'
import { awsError, type Kms, startKms } from '@warmtoken/local'
import { describe, expect, it } from 'vitest'
import { atOnce, closeAfterEach, failureOf, settingsOf } from './servers.ts'

const closing = closeAfterEach()

async function setUp(keys?: readonly string[]) {
  const kms = closing(await startKms(keys === undefined ? {} : { keys }))
  const client = new KMSClient(settingsOf(kms))
  const ringOf = (more: Partial<KmsKeyOptions> = {}) =>
    kmsKey({ id: 'new', encryptedKey: more.encryptedKey ?? kms.dataKey(), client, ...more })
  return { kms, client, ringOf }
}

/** A text that the error, or anything below it, must not hold. */
async function plaintextOf(client: KMSClient, encryptedKey: string): Promise<string> {
  const { Plaintext = [] } = await client.send(
    new DecryptCommand({ CiphertextBlob: Buffer.from(encryptedKey, 'base64') }),
  )
  return Buffer.from(Plaintext).toString('base64')
}

describe('a data key of KMS', () => {
  it('is decrypted once for fifty tokens that are opened at once, and for every codec with its ring', async () => {
    const { kms, ringOf } = await setUp()
    const ring = ringOf()
    const sealed = await aesGcm({ ring }).seal('x', 'k')
    expect(kms.requests).toBe(1)
    const elsewhere = aesGcm({ ring })
    expect(new Set(await atOnce(50, async () => elsewhere.open(sealed, 'k')))).toEqual(new Set(['x']))
    expect(kms.requests).toBe(1)
  })

  it('is decrypted once by a new environment that opens fifty at once', async () => {
    const { kms, ringOf } = await setUp()
    const encryptedKey = kms.dataKey()
    const sealed = await aesGcm({ ring: ringOf({ encryptedKey }) }).seal('x', 'k')
    const environment = aesGcm({ ring: ringOf({ encryptedKey }) })
    const before = kms.requests
    expect(new Set(await atOnce(50, async () => environment.open(sealed, 'k')))).toEqual(new Set(['x']))
    expect(kms.requests - before).toBe(1)
  })

  it('is not asked for before a token is sealed or opened', async () => {
    const { kms, ringOf } = await setUp()
    aesGcm({ ring: ringOf() })
    expect(kms.requests).toBe(0)
  })

  it('is asked for again after a failure, once however many wait', async () => {
    const { kms, client, ringOf } = await setUp()
    const ring = ringOf({ client: new KMSClient({ ...settingsOf(kms), maxAttempts: 1 }) })
    kms.failNext(awsError('ThrottlingException'))
    const failures = await atOnce(10, () => failureOf(ring()))
    expect(new Set(failures.map(({ name, code, retryable }) => `${name} ${code} ${retryable}`))).toEqual(
      new Set(['KeyFault KEY_UNAVAILABLE true']),
    )
    await atOnce(10, ring)
    expect(kms.requests).toBe(2)
    client.destroy()
  })

  it('is bound to its encryption context', async () => {
    const { kms, ringOf } = await setUp()
    const encryptionContext = { app: 'shop', stage: 'prod' }
    const encryptedKey = kms.dataKey({ encryptionContext })
    const { keys } = await ringOf({ encryptedKey, encryptionContext })()
    expect(keys['new']).toHaveLength(32)
    const error = await failureOf(ringOf({ encryptedKey, encryptionContext: { app: 'shop', stage: 'dev' } })())
    expect(error).toMatchObject({ code: 'KEY_REFUSED', retryable: false })
    expect(error.message).toContain('another encryption context')
  })

  it('is fetched by a client that the adapter creates, if credentials are found', async () => {
    const { kms } = await setUp()
    const ring = kmsKey({ id: 'a', encryptedKey: kms.dataKey(), region: 'us-east-1', endpoint: kms.url })
    await withCredentials(async () => expect(Object.keys((await ring()).keys)).toEqual(['a']))
  })

  it('does not hold its callers forever when KMS never answers', async () => {
    const { ringOf } = await setUp()
    const silent = ringOf({ client: () => new Promise<KMSClient>(() => {}) })
    expect(await failureOf(silent())).toMatchObject({ code: 'KEY_UNAVAILABLE', retryable: true })
  })
})

/** The SDK's own search for credentials begins with the environment. */
async function withCredentials(run: () => Promise<unknown>): Promise<void> {
  const before = { ...process.env }
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local-secret' })
  try {
    await run()
  } finally {
    process.env = before
  }
}

describe('a data key that is not available', () => {
  const noRegion = () => Promise.reject(new Error('Region is missing'))
  const failing = (code: string) => (kms: Kms) => kms.failNext(awsError(code))

  it.each<[name: string, options: Partial<KmsKeyOptions>, change: (kms: Kms) => void, code: string, why: RegExp]>([
    ['denied', {}, failing('AccessDeniedException'), 'KEY_DENIED', /needs kms:Decrypt/],
    ['not accepted', {}, failing('ExpiredTokenException'), 'KEY_DENIED', /credentials are not accepted/],
    ['told something new', {}, failing('NewException'), 'KEY_REFUSED', /NewException \(400\)/],
    ['damaged', { encryptedKey: 'AAAA' }, () => {}, 'KEY_REFUSED', /damaged/],
    ['under another key', { keyId: 'two' }, () => {}, 'KEY_REFUSED', /the option keyId names/],
    ['under a disabled key', {}, (kms) => kms.disable('one'), 'KEY_REFUSED', /disabled/],
    ['without a region', { client: noRegion }, () => {}, 'KEY_REFUSED', /region/],
  ])('(%s) says why, and what to do', async (_name, options, change, code, why) => {
    const { kms, ringOf } = await setUp(['one', 'two'])
    const ring = ringOf({ encryptedKey: kms.dataKey(), ...options })
    change(kms)
    const error = await failureOf(ring())
    expect(error).toMatchObject({ name: 'KeyFault', code, retryable: false })
    expect(error.message).toMatch(why)
    expect(error.message).toMatch(/^data key "new": /)
  })

  it.each([16, 31, 33, 64])('(%i bytes long) says how long it must be', async (bytes) => {
    const { kms, ringOf } = await setUp()
    const error = await failureOf(ringOf({ encryptedKey: kms.dataKey({ bytes }) })())
    expect(error).toMatchObject({ name: 'KeyFault', code: 'KEY_REFUSED', retryable: false })
    expect(error.message).toMatch(new RegExp(`${bytes} bytes.*AES_256`))
  })

  it('shows neither the key nor what KMS wrote, in no error and nowhere in the ring', async () => {
    const { kms, client, ringOf } = await setUp()
    const encryptedKey = kms.dataKey()
    const plaintext = await plaintextOf(client, encryptedKey)
    const bytes = Buffer.from(plaintext, 'base64')
    const ring = await ringOf({ encryptedKey })()
    expect(Buffer.from(ring.keys['new'] ?? '')).toEqual(bytes)
    kms.failNext(awsError('AccessDeniedException', { message: 'arn:aws:iam::1:user/marked' }))
    const tooLong = kms.dataKey({ bytes: 64 })
    const errors = await Promise.all([ringOf(), ringOf({ encryptedKey: tooLong })].map((one) => failureOf(one())))
    for (const one of [ring, ring.keys])
      expect([inspect(one, { depth: 9, showHidden: true }), JSON.stringify(one)]).toEqual([
        '[key ring]',
        '"[key ring]"',
      ])
    const shown = errors.map((one) => inspect(one, { depth: 9, showHidden: true }) + JSON.stringify(one)).join('\n')
    expect(shown).not.toContain('marked')
    for (const secret of [plaintext, await plaintextOf(client, tooLong)]) {
      const part = Buffer.from(secret, 'base64').subarray(0, 6)
      // However numbers are separated.
      expect(shown.replaceAll(/\D+/g, ',')).not.toContain(part.join(','))
      for (const form of ['hex', 'base64'] as const) expect(shown).not.toContain(part.toString(form))
    }
  })
})

describe('a role without kms:Decrypt', () => {
  const told = (events: readonly WarmEvent[]) =>
    events.flatMap((event) => (event.type === 'codec-error' ? [`${event.operation} ${event.code}`] : []))
  const source = custom({ identity: 'app', fetch: async () => ({ value: 'v', lifetime: 3_600_000 }) })

  /** An environment that has a sealed token in its file and in the store, and a ring that it may not have. */
  const shutOut = async (ring: () => Promise<KeyRing>, others: () => Promise<KeyRing>) => {
    const folder = mkdtempSync(join(tmpdir(), 'warmtoken-kms-'))
    closing({ close: async () => rmSync(folder, { recursive: true }) })
    const store = memoryStore()
    const events: WarmEvent[] = []
    const environment = (codec: Codec) =>
      createTokens({ store, directory: folder, codec, onEvent: (event) => events.push(event) }).use(source)
    await environment(aesGcm({ ring: others })).get()
    const { tier } = await environment(aesGcm({ ring })).get()
    expect(tier).toBe('source')
    return events
  }

  it('is reported by events, for the file, the store and what is to be stored there, and the call goes on', async () => {
    const { kms, ringOf } = await setUp()
    const encryptedKey = kms.dataKey()
    const [others, ring] = [ringOf({ encryptedKey }), ringOf({ encryptedKey })]
    await others()
    kms.failNext(awsError('AccessDeniedException'), 100)
    const codes = told(await shutOut(ring, others))
    expect(new Set(codes)).toEqual(new Set(['open KEY_DENIED', 'seal KEY_DENIED']))
    expect(codes.filter((code) => code === 'open KEY_DENIED').length).toBeGreaterThanOrEqual(2)
  })

  it("is reported by AWS's own name where your own function asks KMS, and never in its words", async () => {
    const { kms, client, ringOf } = await setUp()
    const encryptedKey = kms.dataKey()
    const ring = async () => ({ current: 'a', keys: { a: await plaintextOf(client, encryptedKey) } })
    const others = ringOf()
    await others()
    kms.failNext(awsError('AccessDeniedException', { message: 'arn:aws:iam::1:user/marked' }), 100)
    const events = await shutOut(ring, others)
    expect(new Set(told(events))).toEqual(new Set(['open AccessDeniedException', 'seal AccessDeniedException']))
    expect(JSON.stringify(events)).not.toContain('marked')
  })
})

describe('a ring of data keys', () => {
  it('seals with the newest and opens with all, each decrypted once', async () => {
    const { kms, ringOf } = await setUp(['one', 'two'])
    const old = { id: 'old', encryptedKey: kms.dataKey({ keyId: 'one' }) }
    const sealed = await aesGcm({ ring: ringOf(old) }).seal('x', 'k')
    const codec = aesGcm({ ring: ringOf({ encryptedKey: kms.dataKey({ keyId: 'two' }), older: [old] }) })
    const before = kms.requests
    expect(await atOnce(20, async () => codec.open(sealed, 'k'))).toContain('x')
    expect(await codec.seal('x', 'k')).toMatch(/^a1\.new\./)
    expect(kms.requests - before).toBe(2)
  })

  it('rotates without a failed call: each token is sealed again at its next write', async () => {
    const { kms, ringOf } = await setUp()
    const old = { id: '2026-05', encryptedKey: kms.dataKey() }
    const next = { id: '2026-11', encryptedKey: kms.dataKey() }
    const store = memoryStore()
    let fetches = 0
    const source = custom({
      identity: 'app',
      fetch: async () => ({ value: `secret-${++fetches}`, lifetime: 3_600_000 }),
    })
    const environment = (ring: ReturnType<typeof ringOf>) =>
      createTokens({ store, directory: false, codec: aesGcm({ ring }) }).use(source)
    const body = async (key: string) =>
      (await store.read(key, { signal: AbortSignal.timeout(1_000), consistent: true })).image?.body ?? ''

    const { key } = environment(ringOf(old))
    await environment(ringOf(old)).get()
    expect(await body(key)).toContain('a1.2026-05.')
    // First every environment learns the new key, then it becomes current.
    const aware = await environment(ringOf({ ...old, older: [next] })).get()
    const rotated = environment(ringOf({ ...next, older: [old] }))
    const token = await rotated.get()
    expect([aware.tier, token.tier, token.value, fetches]).toEqual(['store', 'store', 'secret-1', 1])
    expect((await rotated.reject(token)).value).toBe('secret-2')
    expect(await body(key)).toContain('a1.2026-11.')
    expect((await environment(ringOf({ ...old, older: [next] })).get()).value).toBe('secret-2')
    // Once all have been written again the old key can go.
    expect((await environment(ringOf(next)).get()).value).toBe('secret-2')
    expect([await body(key), fetches]).toEqual([expect.not.stringContaining('secret-'), 2])
  })

  it('goes on without an older key that KMS refuses for good', async () => {
    const { kms, ringOf } = await setUp(['one', 'two'])
    const older = [{ id: 'old', encryptedKey: kms.dataKey({ keyId: 'two' }) }]
    expect(Object.keys((await ringOf({ older })()).keys)).toEqual(['new', 'old'])
    kms.disable('two')
    expect(Object.keys((await ringOf({ older })()).keys)).toEqual(['new'])
  })

  it('waits for an older key that KMS cannot give now', async () => {
    const { kms, client, ringOf } = await setUp()
    const old = { id: 'old', encryptedKey: kms.dataKey() }
    let failures = 1
    // Which of two requests comes first is not certain, so the one that fails is picked in the client.
    client.middlewareStack.add(
      (next) => async (args) => {
        const { CiphertextBlob = [] } = args.input as { CiphertextBlob?: Uint8Array }
        const isOld = Buffer.from(CiphertextBlob).toString('base64') === old.encryptedKey
        if (isOld && failures-- > 0) throw Object.assign(new Error(''), { name: 'ThrottlingException' })
        return next(args)
      },
      { step: 'initialize' },
    )
    const ring = ringOf({ older: [old] })
    expect(await failureOf(ring())).toMatchObject({
      code: 'KEY_UNAVAILABLE',
      message: expect.stringContaining('"old"'),
    })
    expect(Object.keys((await ring()).keys)).toEqual(['new', 'old'])
  })
})

describe('the options of a data key', () => {
  const good = { id: 'a', encryptedKey: 'AQIDAHg=' }
  it.each([
    ['id', { ...good, id: 'a b' }],
    ['id', { encryptedKey: 'AQIDAHg=' }],
    ['encryptedKey', { id: 'a' }],
    ['encryptedKey', { ...good, encryptedKey: 'not base64' }],
    ['encryptedKey', { ...good, encryptedKey: 'A'.repeat(10_000) }],
    ['encryptionContext', { ...good, encryptionContext: { a: 1 } }],
    ['keyId', { ...good, keyId: '' }],
    ['older', { ...good, older: good }],
    ['id', { ...good, older: [{ ...good, id: '' }] }],
    ['client', { ...good, client: {} }],
    ['endpoint', { ...good, endpoint: 'localhost:4566' }],
    ['keys', { ...good, keys: [] }],
  ])('name "%s" when it is wrong, and show nothing', (name, options) => {
    expect(() => kmsKey(options as KmsKeyOptions)).toThrow(TypeError)
    expect(() => kmsKey(options as KmsKeyOptions)).toThrow(`"${name}"`)
    expect(() => kmsKey(options as KmsKeyOptions)).not.toThrow('not base64')
  })

  it('refuse an id that is used twice', () => {
    expect(() => kmsKey({ ...good, older: [good] })).toThrow('the same id')
  })
})
