/**
 * SHA-256 (FIPS 180-4). Node's own costs 5 ms of a cold start, because the crypto module must be loaded; a key needs
 * it before the first look into the file tier, where nothing else does. A test compares it with Node's.
 *
 * @module
 */

/** The size of a block, in bytes. */
const BLOCK = 64

/** The first 32 bits of the fractional part of a root: what is above them is cut off by the conversion. */
function fraction(root: number): number {
  return (root * 2 ** 32) | 0
}

/** Of the first 64 primes, those below 312. A sieve, since division takes four times as long in cold code. */
const ROUND: number[] = []
/** The state before the first block: the first eight of these. */
const START: number[] = []
const isComposite: boolean[] = []
for (let n = 2; n < 312; n += 1) {
  if (isComposite[n]) continue
  ROUND.push(fraction(Math.cbrt(n)))
  START.push(fraction(Math.sqrt(n)))
  for (let multiple = n * n; multiple < 312; multiple += n) isComposite[multiple] = true
}

/** Two rotations to the right and a shift. Shifts count modulo 32: to the left by `-bits` is what goes out on the right. */
function mix(one: number, two: number, shift: number, word = 0): number {
  return (word >>> one) ^ (word << -one) ^ (word >>> two) ^ (word << -two) ^ (word >>> shift)
}

/** The state after the block of `data` that begins at `from`. */
function compress(state: readonly number[], data: Buffer, from: number): readonly number[] {
  const words: number[] = []
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  ROUND.forEach((round, i) => {
    const word =
      i < 16
        ? data.readInt32BE(from + i * 4)
        : ((words[i - 16] ?? 0) + mix(7, 18, 3, words[i - 15]) + (words[i - 7] ?? 0) + mix(17, 19, 10, words[i - 2])) |
          0
    words.push(word)
    // Here the third is a rotation as well.
    const one = h + (mix(6, 11, 25, e) ^ (e << 7)) + (g ^ (e & (f ^ g))) + round + word
    const two = (mix(2, 13, 22, a) ^ (a << 10)) + ((a & (b ^ c)) ^ (b & c))
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
export function sha256(text: string): string {
  const length = Buffer.byteLength(text)
  // Whole blocks: for the text, and for what is behind it, a bit and in the last eight bytes the length in bits.
  const data = Buffer.alloc((length + 8 + BLOCK) & -BLOCK)
  data.write(text)
  data[length] = 0x80
  data.writeUIntBE(length * 8, data.length - 6, 6)
  let state: readonly number[] = START
  for (let from = 0; from < data.length; from += BLOCK) state = compress(state, data, from)
  return state.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

/** Eight characters that distinguish secrets or values without showing them. */
export function fingerprint(text: string): string {
  return sha256(`warmtoken fingerprint\n${text}`).slice(0, 8)
}
