/** How an entry is stored in a file. In a file that imports nothing a bundler puts numbers where they are used. @module */

/** The version of the file's form. */
export const SCHEMA = 3
/** The largest file that is read, in bytes. */
export const MAX_FILE_SIZE = 1_048_576
/** Bytes of the checksum in front of everything else: digits and a line end. A whole number of words. */
export const SUM_SIZE = 12
/** Permission bits that let someone else change a file. */
export const OTHERS_WRITE = 0o022

/**
 * The second line of a file, as a JSON list: what is looked for in every cold start is short and has no names in it. After
 * it comes the sealed value as it is: as JSON in JSON it would be escaped and parsed twice.
 */
export type FileHead = readonly [
  schema: number,
  key: string,
  fingerprint: string,
  observed: boolean,
  length: number,
  ...instants: Instants,
]

/** The two clocks of this machine come last. */
export type Instants = readonly [
  version: number,
  issuedAt: number,
  softExpiry: number,
  hardExpiry: number,
  earliest: number,
  latest: number,
  wall: number,
  monotonic: number,
]
