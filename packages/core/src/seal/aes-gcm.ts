/**
 * Seals values with AES-256-GCM before they are stored in a file or a store.
 *
 * @module
 */

import type { Codec } from '../contracts.ts'
import { builtin } from '../lib/builtin.ts'

/** The form of a sealed text, so that another one can follow. */
const FORM = 'a1'
/** NIST SP 800-38D §8.2.2: 96 random bits, never used twice with one key in practice (2^32 seals each). */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32
const MAX_KEYS = 64
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/

/** Keys by id. New values are sealed with the current one; the others still open what was sealed with them. */
export interface KeyRing {
  /** The id of the key that seals. */
  readonly current: string
  /** Keys of 32 bytes, as bytes or in base64, by id: letters, digits, `-` and `_`, at most 32; at most 64 keys. */
  readonly keys: { readonly [id: string]: Uint8Array | string }
}

/** How {@link aesGcm} is set up. */
export interface AesGcmOptions {
  /**
   * The keys, or a function that gives them, called when the first value is sealed or opened and then kept. Should it
   * fail, that value counts as a miss and the next one calls it again.
   */
  readonly ring: KeyRing | (() => KeyRing | Promise<KeyRing>)
}

interface Ring {
  readonly current: string
  readonly keys: ReadonlyMap<string, Uint8Array>
}

/**
 * A codec that seals with AES-256-GCM. The key of the record is authenticated with it, so that a value moved to another
 * key does not open. To rotate, add a key and make it current: each value is sealed with it at its next refresh. Throws
 * `TypeError` for a ring that is wrong, without showing a key.
 *
 * @example
 * ```ts
 * const codec = aesGcm({ ring: { current: '2026-11', keys: { '2026-11': key } } })
 * const tokens = createTokens({ store, codec })
 * ```
 */
export function aesGcm({ ring }: AesGcmOptions): Codec {
  if (typeof ring !== 'function' && (typeof ring !== 'object' || ring === null)) {
    throw new TypeError('aesGcm: option "ring" is required and must be a key ring, or a function that gives one')
  }
  let known: Ring | Promise<Ring> | undefined = typeof ring === 'function' ? undefined : parseRing(ring)

  const load = (): Ring | Promise<Ring> => {
    if (known !== undefined || typeof ring !== 'function') return known ?? parseRing({ current: '', keys: {} })
    const given = ring()
    known = given instanceof Promise ? given.then(parseRing) : parseRing(given)
    if (known instanceof Promise) {
      known.then(
        (loaded) => {
          known = loaded
        },
        () => {
          known = undefined
        },
      )
    }
    return known
  }

  const withRing = (use: (loaded: Ring) => string): string | Promise<string> => {
    const loaded = load()
    return loaded instanceof Promise ? loaded.then(use) : use(loaded)
  }

  return {
    name: 'aes-256-gcm',
    seal: (text, key) => withRing((loaded) => seal(loaded, text, key)),
    open: (sealed, key) => withRing((loaded) => open(loaded, sealed, key)),
  }
}

/** What is authenticated but not hidden: the form, the id of the sealing key, and the key of the record. */
function authenticated(id: string, key: string): Buffer {
  return Buffer.from(`warmtoken ${FORM}\n${id}\n${key}`)
}

/** With a code, which is all that the event `codec-error` shows of it. */
function failed(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

function keyOf(ring: Ring, id: string): Uint8Array {
  const key = ring.keys.get(id)
  if (key === undefined) throw failed('KEY_MISSING', `the key ring has no key "${id}"`)
  return key
}

function seal(ring: Ring, text: string, key: string): string {
  const crypto = builtin('crypto')
  const nonce = crypto.randomBytes(NONCE_BYTES)
  const cipher = crypto.createCipheriv('aes-256-gcm', keyOf(ring, ring.current), nonce)
  cipher.setAAD(authenticated(ring.current, key))
  const hidden = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]
  return `${FORM}.${ring.current}.${Buffer.concat(hidden).toString('base64url')}`
}

function open(ring: Ring, sealed: string, key: string): string {
  const [form, id = '', body = '', ...rest] = sealed.split('.')
  const bytes = Buffer.from(body, 'base64url')
  if (form !== FORM || !KEY_ID.test(id) || rest.length > 0 || bytes.length < NONCE_BYTES + TAG_BYTES) {
    throw failed('NOT_SEALED', 'not a text that was sealed here')
  }
  const end = bytes.length - TAG_BYTES
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const options = { authTagLength: TAG_BYTES }
  const decipher = builtin('crypto').createDecipheriv('aes-256-gcm', keyOf(ring, id), nonce, options)
  decipher.setAAD(authenticated(id, key)).setAuthTag(bytes.subarray(end))
  return decipher.update(bytes.subarray(NONCE_BYTES, end), undefined, 'utf8') + decipher.final('utf8')
}

/** Checks a ring. What is wrong with a key is said by its id, never by its bytes. */
function parseRing(ring: KeyRing): Ring {
  const ids = Object.keys(ring?.keys ?? {})
  if (ids.length === 0 || ids.length > MAX_KEYS) throw new TypeError(`aesGcm: a ring holds 1 to ${MAX_KEYS} keys`)
  const keys = new Map<string, Uint8Array>()
  for (const id of ids) {
    if (!KEY_ID.test(id)) throw new TypeError('aesGcm: a key id is 1 to 32 letters, digits, "-" or "_"')
    const given = ring.keys[id]
    const bytes = typeof given === 'string' ? Buffer.from(given, 'base64') : given
    if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES) {
      throw new TypeError(`aesGcm: key "${id}" must be ${KEY_BYTES} bytes, as bytes or in base64`)
    }
    // A copy, so that nobody can change it later.
    keys.set(id, Uint8Array.from(bytes))
  }
  if (!keys.has(ring.current)) throw new TypeError('aesGcm: "current" must be the id of a key in the ring')
  return { current: ring.current, keys }
}
