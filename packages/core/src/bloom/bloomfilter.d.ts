/** The part of `bloomfilter` that is used here; the package itself brings no types. */
declare module 'bloomfilter' {
  export class BloomFilter {
    /** `m`: the number of bits, or the bits by 32. `k`: how many of them each text sets. */
    constructor(m: number | Uint32Array, k: number)
    readonly buckets: Uint32Array
    add(text: string): void
    test(text: string): boolean
    /** The share of absent texts that pass, by the bits that are set. */
    error(): number
  }
}
