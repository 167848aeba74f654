/**
 * The text of a session token: `wts1_`, 78 characters of base64url (selector 20 bytes, born 6, secret 32), and a
 * checksum of 11 characters. 94 in all.
 *
 * @module
 */

import { builtin } from '../lib/builtin.ts'
import { misuse } from '../lib/options.ts'
import type { KeyRing } from '../seal/aes-gcm.ts'

const PREFIX = 'wts1_'
const SELECTOR_BYTES = 20
const BORN_BYTES = 6
const SECRET_BYTES = 32
/** 58 bytes in base64url. */
const BODY_LENGTH = 78
/** 64 bits in base64url. */
const CHECKSUM_LENGTH = 11
const KEY_BYTES = 32
const FORM = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{${BODY_LENGTH + CHECKSUM_LENGTH}}$`)
const BODY_END = PREFIX.length + BODY_LENGTH
/**
 * Where the text of the selector ends. Its last character holds two bits of `born` too, which are 0 until the year 4199:
 * a token in which they are not has another selector, and no record.
 */
const SELECTOR_END = PREFIX.length + 27

/** A token that has the right form, not yet verified. */
export interface ParsedToken {
  /** Base64url of the SHA-256 of the whole text: what a record holds of it. */
  readonly hash: string
  /** Names the record of its user. */
  readonly selector: string
  /** Version of the record that first held it. */
  readonly born: number
}

/** Reads and makes the text of tokens. */
export interface TokenCodec {
  /** The token in an untrusted text; `undefined` when the form or the checksum is wrong. */
  parse(text: unknown): ParsedToken | undefined
  /** A new text for the record of this key. */
  mint(key: string, born: number): string
}

/** Makes the codec of tokens. `ring`: keys of the checksum. Throws `TypeError` for a wrong ring, without showing a key. */
export function createTokenCodec(ring: KeyRing | undefined): TokenCodec {
  const keys = keyTexts(ring)
  const [current = ''] = keys

  return {
    parse(text) {
      if (typeof text !== 'string' || !FORM.test(text)) return undefined
      const body = text.slice(0, BODY_END)
      const sum = text.slice(BODY_END)
      if (!keys.some((key) => isSame(checksum(key, body), sum))) return undefined
      return { hash: hashOf(text), selector: text.slice(PREFIX.length, SELECTOR_END), born: bornOf(text) }
    },
    mint(key, born) {
      const bytes = Buffer.alloc(SELECTOR_BYTES + BORN_BYTES + SECRET_BYTES)
      bytes.write(key.slice(-2 * SELECTOR_BYTES), 'hex')
      bytes.writeUIntBE(born, SELECTOR_BYTES, BORN_BYTES)
      builtin('crypto').randomFillSync(bytes, SELECTOR_BYTES + BORN_BYTES)
      const body = PREFIX + bytes.toString('base64url')
      return body + checksum(current, body)
    },
  }
}

/** The key of the record that a selector names. */
export function keyOfSelector(selector: string): string {
  return `session~${Buffer.from(selector, 'base64url').toString('hex', 0, SELECTOR_BYTES)}`
}

/** The selector of the record of a key. */
export function selectorOf(key: string): string {
  // One zero byte behind it, as `born` begins with zero bits.
  return Buffer.from(`${key.slice(-2 * SELECTOR_BYTES)}00`, 'hex')
    .toString('base64url')
    .slice(0, 27)
}

/** The selector in a text of the length of a token; `undefined` for any other text. Says nothing of the token. */
export function selectorIn(text: unknown): string | undefined {
  const isLong = typeof text === 'string' && text.length === BODY_END + CHECKSUM_LENGTH
  return isLong ? text.slice(PREFIX.length, SELECTOR_END) : undefined
}

/** Found once: it is called for every request. */
let sha256: ((text: string) => string) | undefined

/** What a record holds of a token. */
export function hashOf(text: string): string {
  if (sha256 === undefined) {
    const { hash } = builtin('crypto')
    sha256 = (one) => hash('sha256', one, 'base64url')
  }
  return sha256(text)
}

/**
 * A filter against random tokens, not what makes it secure. The body has one length, so that none can be
 * extended, and a plain hash is five times as fast as an HMAC.
 */
function checksum(key: string, body: string): string {
  return builtin('crypto')
    .hash('sha256', key + body, 'base64url')
    .slice(0, CHECKSUM_LENGTH)
}

function bornOf(text: string): number {
  return Buffer.from(text.slice(PREFIX.length, BODY_END), 'base64url').readUIntBE(SELECTOR_BYTES, BORN_BYTES)
}

/** Compares two texts of one length in constant time. */
function isSame(one: string, other: string): boolean {
  let difference = one.length ^ other.length
  for (let n = 0; n < one.length; n += 1) difference |= one.charCodeAt(n) ^ other.charCodeAt(n)
  return difference === 0
}

/** The keys as text, the current one first. Without a ring there is one empty key. */
function keyTexts(ring: KeyRing | undefined): readonly string[] {
  if (ring === undefined) return ['']
  const texts = new Map<string, string>()
  for (const [id, key] of Object.entries(ring.keys ?? {})) {
    const bytes = typeof key === 'string' ? Buffer.from(key, 'base64') : key
    if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES)
      misuse('createSessions', `option "key": key "${id}" must be ${KEY_BYTES} bytes, as bytes or in base64`)
    texts.set(id, Buffer.from(bytes).toString('base64url'))
  }
  const current = texts.get(ring.current)
  if (current === undefined) misuse('createSessions', 'option "key": "current" must be the id of a key in "keys"')
  texts.delete(ring.current)
  return [current, ...texts.values()]
}

/** The text of a session token, which no log shows: only `value` gives it. */
export interface SessionToken {
  /** The text: a secret. Not enumerable, so that no copy and no JSON takes it along. */
  readonly value: string
  /** `SessionToken(<id>)`. */
  toString(): string
  /** The same. */
  toJSON(): string
}

/** Hides a text. `id`: that of its session. */
export function hideToken(text: string, id: string): SessionToken {
  const shown = (): string => `SessionToken(${id})`
  const hidden = { toString: shown, toJSON: shown, [Symbol.for('nodejs.util.inspect.custom')]: shown }
  return Object.freeze(Object.defineProperty(hidden, 'value', { get: () => text })) as typeof hidden & SessionToken
}
