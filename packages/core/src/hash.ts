/**
 * SHA-256 (FIPS 180-4). Node's own costs 5 ms of a cold start, for the crypto module must be loaded; a key needs it
 * before the first look into the file tier, where nothing else does. A test holds it against Node's.
 *
 * @module
 */

/** The first 32 bits of the fractional part of a root of a prime. */
const fraction = (root: number): number => ((root % 1) * 2 ** 32) | 0

const primes: number[] = []
for (let n = 2; primes.length < 64; n += 1) if (primes.every((prime) => n % prime)) primes.push(n)
const ROUND: readonly number[] = primes.map((prime) => fraction(Math.cbrt(prime)))
const START: readonly number[] = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)))

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits))

/** Takes a block of 16 words into the state. */
const compress = (state: Uint32Array, block: Int32Array): void => {
  const words = new Int32Array(64)
  const at = (index: number): number => words[index] ?? 0
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (const [i, round] of ROUND.entries()) {
    const x = at(i - 15)
    const y = at(i - 2)
    words[i] =
      block[i] ??
      at(i - 16) + (rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) + at(i - 7) + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10))
    const one = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + round + at(i)
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
  const bytes = new TextEncoder().encode(text)
  // Behind the text a bit, and at the end of the last block its length in bits.
  const data = new Int32Array((((bytes.length + 8) >> 6) + 1) * 16)
  for (let i = 0; i <= bytes.length; i += 1) data[i >> 2] = (data[i >> 2] ?? 0) | ((bytes[i] ?? 0x80) << (~i * 8))
  data.set([bytes.length / 2 ** 29, bytes.length * 8], data.length - 2)
  const state = Uint32Array.from(START)
  for (let i = 0; i < data.length; i += 16) compress(state, data.subarray(i, i + 16))
  return Array.from(state, (word) => word.toString(16).padStart(8, '0')).join('')
}

/** Eight characters that tell one secret or value from another without showing it. */
export const fingerprint = (text: string): string => sha256(`warmtoken fingerprint\n${text}`).slice(0, 8)
