/**
 * SHA-256 (FIPS 180-4). Node's own costs 5 ms of a cold start, for the crypto module must be loaded; a key needs it
 * before the first look into the file tier, where nothing else does. A test holds it against Node's.
 *
 * @module
 */

const ROUND: Uint32Array = new Uint32Array(64)
const START: Uint32Array = new Uint32Array(8)

/** The first 32 bits of the fractional part of a root of a prime. */
const fraction = (root: number): number => ((root % 1) * 2 ** 32) >>> 0

for (let candidate = 2, found = 0; found < 64; candidate += 1) {
  let isPrime = true
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) isPrime &&= candidate % divisor !== 0
  if (!isPrime) continue
  ROUND[found] = fraction(Math.cbrt(candidate))
  if (found < 8) START[found] = fraction(Math.sqrt(candidate))
  found += 1
}

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits))

const pad = (bytes: Uint8Array): DataView => {
  const padded = new DataView(new ArrayBuffer((((bytes.length + 8) >> 6) + 1) << 6))
  new Uint8Array(padded.buffer).set(bytes)
  padded.setUint8(bytes.length, 0x80)
  padded.setUint32(padded.byteLength - 8, Math.floor(bytes.length / 2 ** 29))
  padded.setUint32(padded.byteLength - 4, bytes.length * 8)
  return padded
}

const expand = (words: Uint32Array, data: DataView, offset: number): void => {
  const at = (index: number): number => words[index] ?? 0
  for (let i = 0; i < 16; i += 1) words[i] = data.getUint32(offset + i * 4)
  for (let i = 16; i < 64; i += 1) {
    const a = at(i - 15)
    const b = at(i - 2)
    words[i] =
      at(i - 16) + (rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)) + at(i - 7) + (rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10))
  }
}

const compress = (state: Uint32Array, words: Uint32Array): void => {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let i = 0; i < 64; i += 1) {
    const one =
      h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + (ROUND[i] ?? 0) + (words[i] ?? 0)
    const two = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] = (state[i] ?? 0) + word
}

/** The SHA-256 of a text in UTF-8, as 64 hexadecimal characters. */
export const sha256 = (text: string): string => {
  const data = pad(new TextEncoder().encode(text))
  const state = START.slice()
  const words = new Uint32Array(64)
  for (let offset = 0; offset < data.byteLength; offset += 64) {
    expand(words, data, offset)
    compress(state, words)
  }
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('')
}

/** Eight characters that tell one secret or value from another without showing it. */
export const fingerprint = (text: string): string => sha256(`warmtoken fingerprint\n${text}`).slice(0, 8)
