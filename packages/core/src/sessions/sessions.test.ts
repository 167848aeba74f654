import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { StandardSchema, Store } from '../contracts.ts'
import { aesGcm } from '../seal/aes-gcm.ts'
import { createFleet, START } from './fleet.test-data.ts'
import { createSessions } from './sessions.ts'

const RECHECK = 5_000
const DAY = 86_400_000
const RING = { current: 'a', keys: { a: Buffer.alloc(32, 1).toString('base64') } }

/** Refuses what has no text as "device"; names the path as schema libraries do. */
const Device: StandardSchema<unknown, { readonly device: string }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const device = (value as { device?: unknown } | undefined)?.device
      return typeof device === 'string'
        ? { value: value as { device: string } }
        : { issues: [{ message: `got ${String(device)}`, path: ['device'] }] }
    },
  },
}

/** The body of the one record of a user, and a way to replace it. */
async function recordOf(fleet: ReturnType<typeof createFleet>, key: string) {
  const how = { signal: AbortSignal.timeout(1_000), consistent: true }
  const { image } = await fleet.store.read(key, how)
  const replace = (body: string) =>
    fleet.store.swap(key, { expected: image, body, tag: crypto.randomUUID(), keepUntil: START + DAY }, how)
  return { body: image?.body ?? '', replace }
}

function keyIn(events: readonly { readonly type: string; readonly key?: string | undefined }[]): string {
  return events.find(({ type }) => type === 'session-created')?.key ?? ''
}

describe('a session', () => {
  it('is created, found in memory by its environment and by one read in another', async () => {
    const fleet = createFleet()
    const [here, there] = [fleet.member(), fleet.member()]
    const { token, session } = await here.sessions.create('ann', { device: 'laptop' }, { user: { roles: ['admin'] } })
    expect(token.value).toMatch(/^wts1_[\w-]{89}$/)
    expect(session).toMatchObject({ userId: 'ann', data: { device: 'laptop' }, user: { roles: ['admin'] } })
    expect(session).toMatchObject({ createdAt: START, absoluteUntil: START + 30 * DAY, idleUntil: START + 7 * DAY })
    expect(here.sessions.peek(token.value)).toEqual(session)
    expect(there.sessions.peek(token.value)).toBeUndefined()
    expect(await there.sessions.verify(token.value)).toEqual(session)
    expect(there.reads()).toBe(1)
    expect(there.sessions.peek(token.value)).toBe(there.sessions.peek(token.value))
  })

  it('costs one store read for a thousand requests within recheck', async () => {
    const fleet = createFleet()
    const { token } = await fleet.member().sessions.create('ann')
    const member = fleet.member()
    for (let n = 0; n < 1_000; n += 1) {
      expect(member.sessions.peek(token.value) ?? (await member.sessions.verify(token.value))).toBeDefined()
      fleet.advance(4)
    }
    expect([member.reads(), member.swaps()]).toEqual([1, 0])
  })

  it('is read once by a hundred requests at once', async () => {
    const fleet = createFleet()
    const { token } = await fleet.member().sessions.create('ann')
    const member = fleet.member()
    const found = await Promise.all(Array.from({ length: 100 }, () => member.sessions.verify(token.value)))
    expect(found.every((one) => one?.userId === 'ann')).toBe(true)
    expect(member.reads()).toBe(1)
  })

  it('ends when it is idle, and at its absolute end, never later', async () => {
    const fleet = createFleet()
    const member = fleet.member({ idle: 60_000, absolute: 100_000, renewEvery: 10_000 })
    const { token } = await member.sessions.create('ann')
    const unused = await member.sessions.create('ann')
    for (let n = 0; n < 9; n += 1) {
      fleet.advance(11_000)
      expect(await member.sessions.verify(token.value)).toBeDefined()
      await member.sessions.settle()
    }
    expect(await member.sessions.verify(unused.token.value)).toBeUndefined()
    fleet.advance(1_000)
    expect(await member.sessions.verify(token.value)).toBeUndefined()
    expect(member.reasons()).toEqual(['idle', 'absolute'])
  })

  it('is renewed by one write per interval, however many requests use it', async () => {
    const fleet = createFleet()
    const member = fleet.member({ idle: 1_000_000, renewEvery: 60_000 })
    const { token } = await member.sessions.create('ann')
    const before = member.swaps()
    for (let n = 0; n < 300; n += 1) {
      fleet.advance(1_000)
      await member.sessions.verify(token.value)
      await member.sessions.settle()
    }
    expect(member.swaps() - before).toBe(4)
    expect(member.events.filter(({ type }) => type === 'session-renewed')).toHaveLength(4)
  })

  it('keeps its id when its token is rotated; the old token is refused at once without grace', async () => {
    const fleet = createFleet()
    const member = fleet.member<{ device: string }, undefined>()
    const { token, session } = await member.sessions.create('ann', { device: 'old' })
    const rotated = await member.sessions.rotate(token.value, { data: { device: 'new' } })
    expect(rotated?.session).toMatchObject({ id: session.id, data: { device: 'new' } })
    expect(rotated?.token.value).not.toBe(token.value)
    expect(await member.sessions.verify(token.value)).toBeUndefined()
    expect(member.reasons()).toEqual(['rotated'])
    expect(await member.sessions.verify(rotated?.token.value ?? '')).toBeDefined()
  })

  it('accepts the old token within its grace with the old data, and never rotates it again', async () => {
    const fleet = createFleet()
    const [member, other] = [fleet.member<{ n: number }, undefined>(), fleet.member<{ n: number }, undefined>()]
    const { token } = await member.sessions.create('ann', { n: 1 })
    const next = await member.sessions.rotate(token.value, { data: { n: 2 }, grace: 10_000 })
    expect((await other.sessions.verify(token.value))?.data).toEqual({ n: 1 })
    expect((await other.sessions.verify(next?.token.value ?? ''))?.data).toEqual({ n: 2 })
    expect(await other.sessions.rotate(token.value)).toBeUndefined()
    fleet.advance(10_000)
    expect(await other.sessions.verify(token.value)).toBeUndefined()
    expect(await other.sessions.verify(next?.token.value ?? '')).toBeDefined()
  })

  it('has one successor when two environments rotate it at once', async () => {
    const fleet = createFleet()
    const members = [fleet.member(), fleet.member(), fleet.member()]
    const { token } = await fleet.member().sessions.create('ann')
    const rotated = await Promise.all(members.map(({ sessions }) => sessions.rotate(token.value, { grace: 5_000 })))
    expect(rotated.filter((one) => one !== undefined)).toHaveLength(1)
  })
})

describe('a revocation', () => {
  it('holds at once here, and everywhere for requests that begin recheck later, also in a frozen environment', async () => {
    const fleet = createFleet()
    const { token, session } = await fleet.member().sessions.create('ann')
    const members = Array.from({ length: 50 }, () => fleet.member())
    for (const { sessions } of members) expect(await sessions.verify(token.value)).toBeDefined()
    const [first, frozen, stepped] = members
    frozen?.freeze()
    expect(await first?.sessions.revoke('ann', session.id)).toBe(true)
    expect(first?.sessions.peek(token.value)).toBeUndefined()
    fleet.advance(RECHECK)
    frozen?.thaw()
    stepped?.step(-120_000)
    for (const { sessions } of members) {
      expect(sessions.peek(token.value)).toBeUndefined()
      expect(await sessions.verify(token.value)).toBeUndefined()
    }
  })

  it('of all but one ends the others and returns how many', async () => {
    const fleet = createFleet()
    const member = fleet.member()
    const made = []
    for (let n = 0; n < 4; n += 1) made.push(await member.sessions.create('ann', { n }))
    expect((await member.sessions.list('ann')).map(({ data }) => data)).toEqual([0, 1, 2, 3].map((n) => ({ n })))
    expect(await member.sessions.revokeAll('ann', { except: made[2]?.session.id ?? '' })).toBe(3)
    expect((await member.sessions.list('ann')).map(({ data }) => data)).toEqual([{ n: 2 }])
    expect(await member.sessions.revokeAll('ann')).toBe(1)
    expect(await member.sessions.revoke('ann', made[0]?.session.id ?? '')).toBe(false)
  })

  it('is not undone by a renewal in progress', async () => {
    const fleet = createFleet()
    const [renewing, revoking] = [fleet.member({ idle: 600_000, renewEvery: 1_000 }), fleet.member()]
    const { token } = await renewing.sessions.create('ann')
    fleet.advance(3_000)
    let held = false
    fleet.before = async (operation) => {
      if (operation !== 'swap' || held) return
      held = true
      expect(await revoking.sessions.revokeAll('ann')).toBe(1)
    }
    expect(renewing.sessions.peek(token.value)).toBeDefined()
    await renewing.sessions.settle()
    expect(held).toBe(true)
    expect(await revoking.sessions.list('ann')).toEqual([])
    expect(await renewing.sessions.verify(token.value, { fresh: true })).toBeUndefined()
    expect(renewing.events.some(({ type }) => type === 'session-renewed')).toBe(false)
  })

  it('holds here even when an answer comes after it that was asked for before', async () => {
    const fleet = createFleet()
    const member = fleet.member()
    const { token } = await member.sessions.create('ann')
    let isHeld = false
    const held = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const late: Store = {
      name: 'late',
      async read(key, how) {
        const seen = await fleet.store.read(key, how)
        if (!isHeld) return seen
        isHeld = false
        asked.resolve()
        await held.promise
        return seen
      },
      swap: fleet.store.swap,
    }
    const here = fleet.member({ store: late })
    await here.sessions.verify(token.value)
    fleet.advance(RECHECK)
    isHeld = true
    const answer = here.sessions.verify(token.value)
    await asked.promise
    await here.sessions.revokeAll('ann')
    held.resolve()
    expect(await answer).toBeUndefined()
    expect(here.sessions.peek(token.value)).toBeUndefined()
  })

  it('shows at once to a request that asks for a fresh answer', async () => {
    const fleet = createFleet()
    const [here, there] = [fleet.member(), fleet.member()]
    const { token } = await here.sessions.create('ann')
    expect(await there.sessions.verify(token.value)).toBeDefined()
    await here.sessions.revokeAll('ann')
    expect(await there.sessions.verify(token.value)).toBeDefined()
    expect(await there.sessions.verify(token.value, { fresh: true })).toBeUndefined()
  })
})

describe('the list of a user', () => {
  it('has all of fifty sign-ins at once', async () => {
    const fleet = createFleet()
    const members = Array.from({ length: 50 }, () => fleet.member({ limit: { most: 50, when: 'oldest-out' } }))
    const made = await Promise.all(members.map(({ sessions }, n) => sessions.create('ann', { n })))
    const [one] = members
    expect(await one?.sessions.list('ann')).toHaveLength(50)
    for (const { token } of made) expect(await one?.sessions.verify(token.value)).toBeDefined()
  })

  it('drops the oldest at the limit, or refuses', async () => {
    const fleet = createFleet()
    const oldestOut = fleet.member({ limit: { most: 2, when: 'oldest-out' } })
    for (const n of [1, 2, 3]) await oldestOut.sessions.create('ann', { n })
    expect((await oldestOut.sessions.list('ann')).map(({ data }) => data)).toEqual([{ n: 2 }, { n: 3 }])
    expect(oldestOut.events.filter((event) => event.type === 'session-created' && event.evicted === 1)).toHaveLength(1)
    const refusing = fleet.member({ limit: { most: 2, when: 'refuse' } })
    await expect(refusing.sessions.create('ann')).rejects.toMatchObject({
      code: 'SESSION_LIMIT',
      retryable: false,
      message: expect.stringMatching(/revoke one, raise "limit.most", or set "limit.when" to "oldest-out"$/),
    })
  })

  it('does not keep sessions that have ended', async () => {
    const fleet = createFleet()
    const member = fleet.member({ idle: 60_000 })
    for (let n = 0; n < 5; n += 1) {
      await member.sessions.create('ann')
      fleet.advance(61_000)
    }
    expect(JSON.parse((await recordOf(fleet, keyIn(member.events))).body).sessions).toHaveLength(1)
    expect(await member.sessions.list('ann')).toEqual([])
  })

  it('keeps a sign-in whose answer was lost, once', async () => {
    const fleet = createFleet()
    const member = fleet.member()
    let lost = 0
    const unknown = fleet.member({
      store: {
        name: 'losing',
        read: fleet.store.read,
        async swap(key, swap, how) {
          const swapped = await fleet.store.swap(key, swap, how)
          return lost++ === 0 ? { outcome: 'unknown', cause: undefined } : swapped
        },
      },
    })
    const { token } = await unknown.sessions.create('ann')
    expect(unknown.swaps()).toBe(2)
    expect(await member.sessions.list('ann')).toHaveLength(1)
    expect(await member.sessions.verify(token.value)).toBeDefined()
  })
})

describe('a sign-in', () => {
  it('is accepted by an environment that refused the user’s old cookie a moment ago', async () => {
    const fleet = createFleet()
    const [here, there] = [fleet.member(), fleet.member()]
    const old = await here.sessions.create('ann')
    await here.sessions.revokeAll('ann')
    expect(await there.sessions.verify(old.token.value)).toBeUndefined()
    fleet.advance(1)
    const { token } = await here.sessions.create('ann')
    expect(await there.sessions.verify(token.value)).toBeDefined()
  })

  it('is accepted by an environment that had just found no record of the user', async () => {
    const fleet = createFleet()
    const elsewhere = createFleet()
    const [here, there] = [fleet.member(), fleet.member()]
    // A token of the same user that this store never had.
    const foreign = await elsewhere.member().sessions.create('ann')
    expect(await there.sessions.verify(foreign.token.value)).toBeUndefined()
    expect(there.reasons()).toEqual(['unknown'])
    const { token } = await here.sessions.create('ann')
    expect(await there.sessions.verify(token.value)).toBeDefined()
  })

  it('does not make a token valid that was there before (fixation)', async () => {
    const fleet = createFleet()
    const member = fleet.member()
    const planted = await createFleet().member().sessions.create('ann')
    await member.sessions.create('ann')
    expect(await member.sessions.verify(planted.token.value)).toBeUndefined()
  })
})

describe('a token of no user', () => {
  it.each([
    ['empty', ''],
    ['a word', 'hello'],
    ['too long', `wts1_${'a'.repeat(90)}`],
    ['of another form', `wts2_${'a'.repeat(89)}`],
    ['with a wrong checksum', `wts1_${'a'.repeat(89)}`],
    ['of 9 KB', 'x'.repeat(9_000)],
    ['no text', undefined as never],
  ])('is refused without a read when it is %s', async (_, token) => {
    const member = createFleet().member()
    expect(member.sessions.peek(token)).toBeUndefined()
    expect(await member.sessions.verify(token)).toBeUndefined()
    expect([member.reads(), member.reasons()]).toEqual([0, ['malformed']])
  })

  it('costs no read with a key, whatever its form', async () => {
    const fleet = createFleet()
    const [plain, keyed] = [fleet.member(), fleet.member({ key: RING })]
    for (let n = 0; n < 200; n += 1) {
      const { token } = await plain.sessions.create(`user-${n}`)
      expect(await keyed.sessions.verify(token.value)).toBeUndefined()
    }
    expect(keyed.reads()).toBe(0)
  })

  it('costs no more reads than the ceiling without a key, and a known user none of it', async () => {
    const fleet = createFleet()
    const others = createFleet()
    const forger = others.member()
    const member = fleet.member({ misses: { readsPerSecond: 50 } })
    const { token } = await member.sessions.create('ann')
    const before = member.reads()
    let limited = 0
    for (let n = 0; n < 500; n += 1) {
      const forged = await forger.sessions.create(`user-${n}`)
      await member.sessions.verify(forged.token.value).catch((error: { code: string; retryable: boolean }) => {
        expect(error).toMatchObject({ code: 'SESSION_READS_LIMITED', retryable: true })
        limited += 1
      })
      expect(member.sessions.peek(token.value)).toBeDefined()
    }
    expect(member.reads() - before).toBe(50)
    expect(limited).toBe(450)
  })

  it('counts users who turn out to be known for nothing', async () => {
    const fleet = createFleet()
    const member = fleet.member({ misses: { readsPerSecond: 2 } })
    for (let n = 0; n < 20; n += 1) {
      const { token } = await fleet.member().sessions.create(`user-${n}`)
      expect(await member.sessions.verify(token.value)).toBeDefined()
    }
  })

  it('is refused unread when the record is newer, and by one read a second when the token claims to be', async () => {
    const fleet = createFleet()
    const [member, forger] = [fleet.member(), createFleet().member()]
    const { token } = await forger.sessions.create('ann')
    fleet.advance(10)
    const good = await member.sessions.create('ann')
    const before = member.reads()
    expect(await member.sessions.verify(token.value)).toBeUndefined()
    expect([member.reads() - before, member.reasons()]).toEqual([0, ['revoked']])
    const ahead = createFleet()
    ahead.advance(30_000)
    const newer = await ahead.member().sessions.create('ann')
    expect(await member.sessions.verify(newer.token.value)).toBeUndefined()
    expect(member.reads() - before).toBe(1)
    await expect(member.sessions.verify(newer.token.value)).rejects.toMatchObject({ code: 'SESSION_READS_LIMITED' })
    expect(member.reads() - before).toBe(1)
    expect(await member.sessions.verify(good.token.value)).toBeDefined()
    ahead.advance(60_000)
    const far = await ahead.member().sessions.create('ann')
    expect(await member.sessions.verify(far.token.value)).toBeUndefined()
    expect(member.reads() - before).toBe(1)
  })

  it('is remembered in a memory that stays bounded', async () => {
    const fleet = createFleet()
    const forger = createFleet().member()
    const member = fleet.member({ misses: { remember: 2, readsPerSecond: 1_000 } })
    const forged = []
    for (let n = 0; n < 3; n += 1) forged.push((await forger.sessions.create(`user-${n}`)).token.value)
    // Older than a sign-in elsewhere could be.
    fleet.advance(60_000)
    for (const token of forged) await member.sessions.verify(token)
    expect(member.reads()).toBe(3)
    await member.sessions.verify(forged[2] ?? '')
    expect(member.reads()).toBe(3)
    await member.sessions.verify(forged[0] ?? '')
    expect(member.reads()).toBe(4)
  })
})

describe('when the store is down', () => {
  it('a known session counts until recheck, and longer only with downGrace', async () => {
    const fleet = createFleet()
    const [strict, lenient] = [fleet.member(), fleet.member({ downGrace: 60_000 })]
    const { token } = await strict.sessions.create('ann')
    await lenient.sessions.verify(token.value)
    fleet.down = true
    expect(await strict.sessions.verify(token.value)).toBeDefined()
    fleet.advance(RECHECK)
    await expect(strict.sessions.verify(token.value)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await lenient.sessions.verify(token.value)).toBeDefined()
    await expect(lenient.sessions.verify(token.value, { fresh: true })).rejects.toMatchObject({ retryable: true })
    fleet.advance(60_000)
    await expect(lenient.sessions.verify(token.value)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    fleet.down = false
    fleet.advance(1_000)
    expect(await strict.sessions.verify(token.value)).toBeDefined()
  })

  it('it is asked once a second and not by every request', async () => {
    const fleet = createFleet()
    const member = fleet.member()
    const { token } = await fleet.member().sessions.create('ann')
    fleet.down = true
    for (let n = 0; n < 20; n += 1) await expect(member.sessions.verify(token.value)).rejects.toThrow('down')
    expect(member.reads()).toBe(1)
  })
})

describe('a record', () => {
  it.each([
    ['is garbage', () => 'x'],
    ['is of another schema', (good: string) => good.replace('"schema":1', '"schema":9')],
    ['is that of another user', (good: string) => good.replace('"userId":"ann"', '"userId":"bob"')],
    ['has a wrong session', (good: string) => good.replace('"c":', '"x":')],
    ['is from the future', (good: string) => good.replace(/"version":\d+/, `"version":${START + 61_001}`)],
    ['is too long', (good: string) => good.replace('{', `{"x":"${'x'.repeat(200_000)}",`)],
  ])('that %s counts as absent, with an event, and the next sign-in replaces it', async (_, spoil) => {
    const fleet = createFleet()
    const { token } = await (async () => {
      const member = fleet.member()
      const made = await member.sessions.create('ann')
      const { body, replace } = await recordOf(fleet, keyIn(member.events))
      await replace(spoil(body))
      return made
    })()
    const member = fleet.member()
    expect(await member.sessions.verify(token.value)).toBeUndefined()
    expect(member.events).toContainEqual(expect.objectContaining({ type: 'bad-record' }))
    const next = await member.sessions.create('ann')
    expect(await fleet.member().sessions.verify(next.token.value)).toBeDefined()
  })

  it('holds no token, nor does any event, message or printed object, and its hash is not a token', async () => {
    const fleet = createFleet()
    const member = fleet.member()
    const { token } = await member.sessions.create('ann')
    const rotated = await member.sessions.rotate(token.value, { grace: 1_000 })
    const texts = [token.value, rotated?.token.value ?? '']
    const { body } = await recordOf(fleet, keyIn(member.events))
    const shown = [body, JSON.stringify(member.events), inspect([token, rotated], { depth: 9, showHidden: true })]
    shown.push(JSON.stringify([token, rotated]), String(token), JSON.stringify({ ...token }))
    for (const text of texts) {
      // Neither the whole nor the secret half of it.
      for (const place of shown) expect(place).not.toContain(text.slice(40, 80))
    }
    const [{ h }] = JSON.parse(body).sessions
    expect(await member.sessions.verify(h)).toBeUndefined()
    expect(await member.sessions.verify(`wts1_${h}${h}`.slice(0, 94))).toBeUndefined()
  })

  it('is sealed by a codec; one without counts as absent, and a codec that fails keeps all users signed in', async () => {
    const fleet = createFleet()
    const plain = fleet.member()
    const key = Buffer.alloc(32, 7)
    const codec = aesGcm({ ring: { current: 'k', keys: { k: key } } })
    const sealed = fleet.member({ codec })
    const old = await plain.sessions.create('ann')
    expect(await sealed.sessions.verify(old.token.value)).toBeUndefined()
    const { token } = await sealed.sessions.create('ann', { mark: 'marked-data' })
    const { body } = await recordOf(fleet, keyIn(plain.events))
    expect(body).toMatch(/^a1\.k\./)
    expect(body).not.toContain('marked')
    expect(await fleet.member({ codec }).sessions.verify(token.value)).toBeDefined()
    const other = fleet.member({ codec: aesGcm({ ring: { current: 'z', keys: { z: key } } }) })
    await expect(other.sessions.verify(token.value)).rejects.toMatchObject({ code: 'CODEC_FAILED', retryable: true })
    await expect(other.sessions.create('ann')).rejects.toMatchObject({ code: 'CODEC_FAILED' })
    expect(await sealed.sessions.verify(token.value, { fresh: true })).toBeDefined()
  })
})

describe('the data of a session', () => {
  it('is refused at create when its schema does not take it, by its path and without its value', async () => {
    const member = createFleet().member({ data: Device })
    await expect(member.sessions.create('ann', { device: 77_123 } as never)).rejects.toThrow(
      /schema refuses data\.device/,
    )
    await expect(member.sessions.create('ann', { device: 77_123 } as never)).rejects.not.toThrow(/77123/)
    expect(member.reads()).toBe(0)
  })

  it('of an old shape counts as absent', async () => {
    const fleet = createFleet()
    const { token } = await fleet.member().sessions.create('ann', { phone: 1 })
    const member = fleet.member({ data: Device })
    expect(await member.sessions.verify(token.value)).toBeUndefined()
    expect(member.events).toContainEqual(expect.objectContaining({ type: 'bad-data', path: 'data.device' }))
    expect(member.reasons()).toEqual(['unknown'])
  })

  it('takes no asynchronous schema', async () => {
    const later = {
      '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value }) },
    } as const
    await expect(createFleet().member({ data: later }).sessions.create('ann', {})).rejects.toThrow(/synchronous/)
  })

  it.each([
    ['too long', 'x'.repeat(1_100)],
    ['a function', (() => 1) as never],
    ['a map', new Map() as never],
  ])('is refused when it is %s', async (_, data) => {
    await expect(createFleet().member().sessions.create('ann', data)).rejects.toThrow(TypeError)
  })

  it('keeps a name such as __proto__ as data', async () => {
    const fleet = createFleet()
    const data = JSON.parse('{"__proto__":{"isAdmin":true},"constructor":1}')
    const { token } = await fleet.member().sessions.create('ann', data)
    const session = await fleet.member().sessions.verify(token.value)
    expect(JSON.stringify(session?.data)).toBe('{"__proto__":{"isAdmin":true},"constructor":1}')
    expect(Object(session?.data).isAdmin).toBeUndefined()
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined()
  })

  it('is frozen, for every request is handed the same', async () => {
    const fleet = createFleet()
    const { token } = await fleet.member().sessions.create('ann', { a: { b: 1 } }, { user: { roles: ['x'] } })
    const session = await fleet.member().sessions.verify(token.value)
    expect([session, session?.data, session?.user].every(Object.isFrozen)).toBe(true)
    expect(() => Object(session?.user).roles.push('admin')).toThrow(TypeError)
  })
})

describe('the data of a user', () => {
  it('changes in every session, and every environment sees it within recheck', async () => {
    const fleet = createFleet()
    const [here, there] = [fleet.member(), fleet.member()]
    const { token } = await here.sessions.create('ann', undefined, { user: { roles: ['admin'] } })
    await there.sessions.verify(token.value)
    expect(await here.sessions.update('ann', () => ({ roles: [] }))).toBe(true)
    expect(here.sessions.peek(token.value)?.user).toEqual({ roles: [] })
    fleet.advance(RECHECK)
    expect((await there.sessions.verify(token.value))?.user).toEqual({ roles: [] })
    const second = await there.sessions.create('ann')
    expect(second.session.user).toEqual({ roles: [] })
  })

  it('is not there without a session', async () => {
    expect(
      await createFleet()
        .member()
        .sessions.update('ann', () => 1),
    ).toBe(false)
  })

  it('must be given where a schema requires it', async () => {
    const member = createFleet().member({ user: Device })
    await expect(member.sessions.create('ann')).rejects.toThrow(/schema refuses user\.device/)
    expect((await member.sessions.create('ann', undefined, { user: { device: 'x' } })).session.user.device).toBe('x')
    expect((await member.sessions.create('ann')).session.user.device).toBe('x')
  })
})

describe('createSessions', () => {
  const { store } = createFleet()
  it.each([
    ['store', {}],
    ['unknown', { store, unknown: 1 }],
    ['idle', { store, idle: 0 }],
    ['recheck', { store, recheck: 0 }],
    ['recheck', { store, recheck: Number.POSITIVE_INFINITY }],
    ['limit', { store, limit: { most: 51, when: 'refuse' } }],
    ['limit', { store, limit: { most: 5, when: 'newest-out' } }],
    ['misses', { store, misses: { readsPerSecond: 0 } }],
    ['misses', { store, misses: { reads: 1 } }],
    ['data', { store, data: {} }],
    ['key', { store, key: 'secret-text' }],
    ['key', { store, key: { current: 'a', keys: { a: 'secret-text' } } }],
    ['key', { store, key: { current: 'b', keys: RING.keys } }],
    ['onEvent', { store, onEvent: {} }],
  ])('names the option "%s" when it is wrong, and shows no secret', (option, options) => {
    const make = () => createSessions(options as never)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(new RegExp(`createSessions: .*"${option}"`))
    expect(make).not.toThrow(/secret-text/)
  })

  it('tells at construction that its store may forget', () => {
    const events: unknown[] = []
    const forgetful = { ...store, forgets: true }
    createSessions({ store: forgetful, onEvent: (event) => events.push(event) })
    expect(events).toEqual([{ type: 'store-forgets', store: 'memory' }])
  })

  it('counts tokens of every key in its ring, so that the key can be rotated', async () => {
    const fleet = createFleet()
    const { token } = await fleet.member({ key: RING }).sessions.create('ann')
    const keys = { ...RING.keys, b: Buffer.alloc(32, 2) }
    expect(await fleet.member({ key: { current: 'b', keys } }).sessions.verify(token.value)).toBeDefined()
    expect(
      await fleet.member({ key: { current: 'b', keys: { b: keys.b } } }).sessions.verify(token.value),
    ).toBeUndefined()
  })

  it.each([
    ['create', (s: ReturnType<typeof createSessions>) => s.create('')],
    ['create', (s: ReturnType<typeof createSessions>) => s.create('x'.repeat(257))],
    ['revoke', (s: ReturnType<typeof createSessions>) => s.revoke('ann', 'x')],
    ['revokeAll', (s: ReturnType<typeof createSessions>) => s.revokeAll('ann', { except: 'x' })],
    ['update', (s: ReturnType<typeof createSessions>) => s.update('ann', {} as never)],
    ['rotate', (s: ReturnType<typeof createSessions>) => s.rotate('x', { graze: 1 } as never)],
  ])('%s rejects wrong arguments by name', async (name, call) => {
    await expect(call(createSessions({ store }))).rejects.toThrow(new RegExp(`^${name}: `))
  })
})
