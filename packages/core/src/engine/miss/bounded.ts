/** How long a codec may take, in ms: a key that KMS guards is asked for three times at most, 800 ms each. */
const CODEC_TIMEOUT = 3_000

/** What a codec gives, but for one that hangs: that counts as failing, for it must not hold a call for ever. */
export function bounded(given: string | Promise<string>): string | Promise<string> {
  return typeof given === 'string'
    ? given
    : Promise.race([given, new Promise<never>((_, reject) => setTimeout(reject, CODEC_TIMEOUT).unref())])
}
