import { describe, expect, it } from 'vitest'
import type { Codec, Image, Store, Swapped } from '../../contracts.ts'
import { aesGcm } from '../../seal/aes-gcm.ts'
import { memoryStore } from '../../stores/memory.ts'
import { type TicketInboxOptions, ticketInbox } from './inbox.ts'

const APP = 'cli_test'
const NOW = Date.parse('2026-11-01T12:00:00Z')
function ring(byte: number) {
  return { current: 'k', keys: { k: new Uint8Array(32).fill(byte) } }
}

/** A store whose clock stands, and which says what is in it. */
function setUp(change: (store: Store) => Store = (store) => store) {
  let time = NOW
  const store = memoryStore({ wall: () => time })
  const keys = new Set<string>()
  const spied: Store = {
    ...store,
    swap(key, swap, options) {
      keys.add(key)
      return store.swap(key, swap, options)
    },
  }
  const bodies = async (): Promise<string> => {
    const seen = await Promise.all(
      [...keys].map((key) => store.read(key, { signal: AbortSignal.timeout(1_000), consistent: true })),
    )
    return seen.map(({ image }) => image?.body).join()
  }
  const inbox = ticketInbox({ store: change(spied), appId: APP })
  const setTime = (next: number): void => {
    time = next
  }
  return { inbox, store: spied, keys, bodies, setTime }
}

describe('a ticket inbox', () => {
  it('is empty at first and then gives what was put last', async () => {
    const { inbox } = setUp()
    expect(await inbox.get()).toBeUndefined()
    expect(await inbox.put('one')).toBe(true)
    expect(await inbox.put('two')).toBe(true)
    expect(await inbox.get()).toBe('two')
  })

  it('keeps one record, under a key that is its app’s alone', async () => {
    const { inbox, store, keys } = setUp()
    const other = ticketInbox({ store, appId: 'cli_other' })
    await inbox.put('mine')
    await inbox.put('mine-too')
    expect(await other.get()).toBeUndefined()
    await other.put('theirs')
    expect([await inbox.get(), await other.get()]).toEqual(['mine-too', 'theirs'])
    expect([...keys].map((key) => key.split('~')[0])).toEqual(['feishu-ticket', 'feishu-ticket'])
    expect([...keys].join()).not.toMatch(/mine|cli_/)
  })

  it('never replaces a ticket by one that was pushed before it', async () => {
    const { inbox } = setUp()
    await inbox.put('newer', { at: NOW - 10_000 })
    expect(await inbox.put('older', { at: NOW - 20_000 })).toBe(false)
    expect(await inbox.get()).toBe('newer')
    expect(await inbox.put('same-instant', { at: NOW - 10_000 })).toBe(true)
    expect(await inbox.put('newest', { at: NOW - 5_000 })).toBe(true)
    expect(await inbox.get()).toBe('newest')
  })

  it('takes one of unknown time for the newest, and remembers the time before', async () => {
    const { inbox } = setUp()
    await inbox.put('timed', { at: NOW - 10_000 })
    expect(await inbox.put('untimed')).toBe(true)
    expect(await inbox.put('older', { at: NOW - 20_000 })).toBe(false)
    expect(await inbox.get()).toBe('untimed')
  })

  it('is not closed for good by a push that claims to come from the future', async () => {
    const { inbox, setTime } = setUp()
    await inbox.put('future', { at: NOW + 1e10 })
    setTime(NOW + 1_000)
    expect(await inbox.put('next', { at: NOW + 500 })).toBe(true)
    expect(await inbox.get()).toBe('next')
  })

  it('ends with the newest of many puts at once', async () => {
    const { store } = setUp()
    const ages = [5, 1, 4, 2, 3]
    const put = async (age: number): Promise<boolean> =>
      ticketInbox({ store, appId: APP }).put(`ticket-${age}`, { at: NOW - age * 1_000 })
    await Promise.all(ages.map(put))
    expect(await ticketInbox({ store, appId: APP }).get()).toBe('ticket-1')
  })

  it.each(['', 'a b', 'line\n', 'ü', 'x'.repeat(4_097), undefined, 5])('takes no ticket like %j', async (ticket) => {
    await expect(setUp().inbox.put(ticket as string)).rejects.toThrow(TypeError)
  })

  it.each([-1, Number.NaN, 'x'])('takes no time like %j', async (at) => {
    await expect(setUp().inbox.put('ticket', { at: at as number })).rejects.toThrow('"at"')
  })

  it('passes the signal of its caller on', async () => {
    const seen: AbortSignal[] = []
    const { inbox } = setUp((store) => ({
      ...store,
      read(key, options) {
        seen.push(options.signal)
        return store.read(key, options)
      },
      swap(key, swap, options) {
        seen.push(options.signal)
        return store.swap(key, swap, options)
      },
    }))
    const { signal } = new AbortController()
    await inbox.put('ticket', { signal })
    await inbox.get({ signal })
    expect(seen).toEqual([signal, signal, signal])
  })
})

describe('a ticket at rest', () => {
  it('is sealed by the codec, for its own record only', async () => {
    const { store, keys, bodies } = setUp()
    const codec = aesGcm({ ring: ring(1) })
    const inbox = ticketInbox({ store, codec, appId: APP })
    await inbox.put('MARKED-ticket')
    expect(await inbox.get()).toBe('MARKED-ticket')
    expect(await bodies()).not.toContain('MARKED')
    const other = ticketInbox({ store, codec, appId: 'cli_other' })
    await other.put('theirs')
    const [mine = '', theirs = ''] = keys
    const read = async (key: string) => store.read(key, { signal: AbortSignal.timeout(1_000), consistent: true })
    const expected = (await read(theirs)).image
    const body = (await read(mine)).image?.body.replace(mine, theirs) ?? ''
    const swap = { expected, body, tag: 't', keepUntil: NOW }
    expect(await store.swap(theirs, swap, { signal: AbortSignal.timeout(1_000) })).toMatchObject({ outcome: 'swapped' })
    expect(await other.get()).toBeUndefined()
  })

  it('that cannot be opened counts as none, and the next one repairs it', async () => {
    const { store } = setUp()
    await ticketInbox({ store, appId: APP, codec: aesGcm({ ring: ring(1) }) }).put('old-key')
    const inbox = ticketInbox({ store, appId: APP, codec: aesGcm({ ring: ring(2) }) })
    expect(await inbox.get()).toBeUndefined()
    await inbox.put('ticket')
    expect(await inbox.get()).toBe('ticket')
  })

  it('is not kept as plain text when it cannot be sealed, and the codec’s words are not repeated', async () => {
    const { store, keys } = setUp()
    const codec: Codec = {
      name: 'broken',
      seal: (text) => Promise.reject(new Error(`cannot seal ${text}`)),
      open: (sealed) => sealed,
    }
    const error = await ticketInbox({ store, codec, appId: APP })
      .put('MARKED')
      .catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'WarmTokenError', code: 'FEISHU_TICKET_NOT_KEPT', retryable: true })
    expect(String(error) + String((error as Error).cause)).not.toContain('MARKED')
    expect(keys.size).toBe(0)
  })

  it.each([
    ['not JSON', 'nonsense'],
    ['of another form', JSON.stringify({ schema: 9, ticket: 'x' })],
    ['of another record', JSON.stringify({ schema: 1, key: 'else', ticket: 'x' })],
    ['too long', JSON.stringify({ schema: 1, ticket: 'x'.repeat(70_000) })],
  ])('is not believed when the record is %s, and is replaced', async (_what, body) => {
    const { inbox, store, keys } = setUp()
    await inbox.put('first')
    const [key = ''] = keys
    const { image } = await store.read(key, { signal: AbortSignal.timeout(1_000), consistent: true })
    await store.swap(key, { expected: image, body, tag: 'bad', keepUntil: NOW }, { signal: AbortSignal.timeout(1_000) })
    expect(await inbox.get()).toBeUndefined()
    expect(await inbox.put('second', { at: NOW })).toBe(true)
    expect(await inbox.get()).toBe('second')
  })
})

describe('a store with faults', () => {
  const unknown: Swapped = { outcome: 'unknown', cause: undefined }

  it('that lost the answer is asked again with the same tag, so that nothing is written twice', async () => {
    const tags: string[] = []
    const { inbox } = setUp((store) => ({
      ...store,
      async swap(key, swap, options) {
        tags.push(swap.tag)
        const swapped = await store.swap(key, swap, options)
        return tags.length === 1 ? unknown : swapped
      },
    }))
    expect(await inbox.put('ticket')).toBe(true)
    expect(tags).toHaveLength(2)
    expect(new Set(tags).size).toBe(1)
    expect(await inbox.get()).toBe('ticket')
  })

  it('in which another was faster is looked at again', async () => {
    let interfere = true
    const { inbox } = setUp((store) => ({
      ...store,
      async swap(key, swap, options) {
        if (interfere) {
          interfere = false
          await ticketInbox({ store, appId: APP }).put('faster', { at: NOW - 1_000 })
        }
        return store.swap(key, swap, options)
      },
    }))
    expect(await inbox.put('slower', { at: NOW - 2_000 })).toBe(false)
    expect(await inbox.get()).toBe('faster')
  })

  it('that recognizes no tag is believed by what it holds', async () => {
    let mine: Image | undefined
    const { inbox } = setUp((store) => ({
      ...store,
      async swap(_key, { body, tag }) {
        if (mine !== undefined) return { outcome: 'conflict', seen: { image: mine, time: undefined } }
        mine = { body, tag }
        return unknown
      },
    }))
    expect(await inbox.put('ticket')).toBe(true)
  })

  it('that never gives an answer is given up after a bounded number of tries', async () => {
    let swaps = 0
    const { inbox } = setUp((store) => ({
      ...store,
      swap: async () => {
        swaps += 1
        return unknown
      },
    }))
    await expect(inbox.put('ticket')).rejects.toMatchObject({ code: 'FEISHU_TICKET_NOT_KEPT' })
    expect(swaps).toBe(6)
  })

  it('that refuses is told as it is', async () => {
    const fault = Object.assign(new Error('no'), { code: 'STORE_DENIED', retryable: false })
    const { inbox } = setUp((store) => ({ ...store, read: () => Promise.reject(fault) }))
    await expect(inbox.put('ticket')).rejects.toBe(fault)
    await expect(inbox.get()).rejects.toBe(fault)
  })
})

describe('wrong options', () => {
  it.each([
    [{ appId: APP }, 'store'],
    [{ store: memoryStore() }, 'appId'],
    [{ store: {}, appId: APP }, 'store'],
    [{ store: memoryStore(), appId: APP, codec: {} }, 'codec'],
    [{ store: memoryStore(), appId: APP, key: 'x' }, 'key'],
  ])('%j are a TypeError that names "%s"', (options, name) => {
    expect(() => ticketInbox(options as TicketInboxOptions)).toThrow(TypeError)
    expect(() => ticketInbox(options as TicketInboxOptions)).toThrow(`"${name}"`)
  })
})
