import type { Entry } from './contracts.ts'
import { asText, asTime, type Fields } from './parse.ts'

/** The longest name, mark or fingerprint that is accepted, in characters. */
export const MAX_NAME = 200

type Times<Name extends string> = { readonly [name in Name]: number }

const parseTimes = <Name extends string>(fields: Fields, names: readonly Name[]): Times<Name> | undefined => {
  const times: { [name: string]: number } = {}
  for (const name of names) {
    const time = asTime(fields[name])
    if (time === undefined) return undefined
    times[name] = time
  }
  return times as Times<Name>
}

/** The instants and marks that an entry has in every tier, and more instants by their names; all of them or none. */
export const parseLife = <More extends string = never>(
  fields: Fields,
  ...more: readonly More[]
): (Omit<Entry<unknown>, 'value'> & Times<More>) | undefined => {
  const times = parseTimes(fields, ['version', 'issuedAt', 'softExpiry', 'hardExpiry', ...more])
  const fingerprint = asText(fields['fingerprint'], MAX_NAME)
  if (times === undefined || fingerprint === undefined || times.softExpiry > times.hardExpiry) return undefined
  return { ...times, fingerprint }
}
