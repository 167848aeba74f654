import type { Entry } from './contracts.ts'
import { asText, asTime, type Fields } from './parse.ts'

/** The longest name, mark or fingerprint that is accepted, in characters. */
export const MAX_NAME = 200

type Times<Name extends string> = { readonly [name in Name]: number }

/** The instants and marks that an entry has in every tier, and more instants by their names; all of them or none. */
export const parseLife = <More extends string = never>(
  fields: Fields,
  ...more: readonly More[]
): (Omit<Entry<unknown>, 'value'> & Times<More>) | undefined => {
  const names = ['version', 'issuedAt', 'softExpiry', 'hardExpiry', ...more] as const
  const times = Object.fromEntries(names.map((name) => [name, asTime(fields[name])]))
  const { softExpiry = 1, hardExpiry = 0 } = times
  const fingerprint = asText(fields['fingerprint'], MAX_NAME)
  if (fingerprint === undefined || softExpiry > hardExpiry || Object.values(times).includes(undefined)) return undefined
  // Every name is there and holds an instant.
  return { ...(times as Times<(typeof names)[number]>), fingerprint }
}
