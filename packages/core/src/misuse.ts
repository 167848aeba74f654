/** Throws the `TypeError` for a wrong argument, which shows when things are set up: `where` it is, and `why` it is wrong. */
export const misuse: (where: string, why: string) => never = (where, why) => {
  throw new TypeError(`${where}: ${why}`)
}
