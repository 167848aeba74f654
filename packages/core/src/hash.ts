/**
 * SHA-256 (FIPS 180-4). Node's own costs 5 ms of a cold start, for the crypto module must be loaded; a key needs it
 * before the first look into the file tier, where nothing else does. A test holds it against Node's.
 *
 * @module
 */

/** The size of a block, in bytes. */
const BLOCK = 64

/** The first 32 bits of the fractional part of a root: what is above them is cut off by the conversion. */
const fraction = (root: number): number => (root * 2 ** 32) | 0

/** The first 64 primes: those below 312. A sieve, for dividing takes four times as long in code that is still cold. */
const primes: number[] = []
const isComposite: boolean[] = []
for (let n = 2; n < 312; n += 1) {
  if (isComposite[n]) continue
  primes.push(n)
  for (let multiple = n * n; multiple < 312; multiple += n) isComposite[multiple] = true
}
const ROUND: readonly number[] = primes.map((prime) => fraction(Math.cbrt(prime)))
const START: readonly number[] = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)))

/** Shifts count modulo 32, so that to the left by `-bits` is what goes out on the right. */
const rotate = (word: number, bits: number): number => (word >>> bits) | (word << -bits)
const rotateTwice = (word: number, one: number, two: number): number => rotate(word, one) ^ rotate(word, two)

/** The state after the block of `data` that begins at `from`. */
const compress = (state: readonly number[], data: Buffer, from: number): readonly number[] => {
  const words = new Int32Array(64)
  const at = (index: number): number => words[index] ?? 0
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  ROUND.forEach((round, i) => {
    const x = at(i - 15)
    const y = at(i - 2)
    words[i] =
      i < 16
        ? data.readInt32BE(from + i * 4)
        : at(i - 16) + (rotateTwice(x, 7, 18) ^ (x >>> 3)) + at(i - 7) + (rotateTwice(y, 17, 19) ^ (y >>> 10))
    const one = h + (rotateTwice(e, 6, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + round + at(i)
    const two = (rotateTwice(a, 2, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    h = g
    g = f
    f = e
    e = (d + one) | 0
    d = c
    c = b
    b = a
    a = (one + two) | 0
  })
  return [a, b, c, d, e, f, g, h].map((word, i) => word + (state[i] ?? 0))
}

/** The SHA-256 of a text in UTF-8, as 64 hexadecimal characters. */
export const sha256 = (text: string): string => {
  const length = Buffer.byteLength(text)
  const data = Buffer.alloc((((length + 8) >> 6) + 1) * BLOCK)
  data.write(text)
  // Behind the text a bit, and at the end of the last block its length in bits.
  data[length] = 0x80
  data.writeUIntBE(length * 8, data.length - 6, 6)
  let state = START
  for (let from = 0; from < data.length; from += BLOCK) state = compress(state, data, from)
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

/** Eight characters that tell one secret or value from another without showing it. */
export const fingerprint = (text: string): string => sha256(`warmtoken fingerprint\n${text}`).slice(0, 8)
