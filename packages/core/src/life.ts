import type { Entry, Json } from './contracts.ts'
import { asText, asTime, type Fields, parseJson } from './parse.ts'

/** The longest name, mark or fingerprint that is accepted, in characters. */
export const MAX_NAME = 200

/** The instants and marks that an entry has in every tier. */
export const parseLife = (fields: Fields): Omit<Entry<unknown>, 'value'> | undefined => {
  const version = asTime(fields['version'])
  const issuedAt = asTime(fields['issuedAt'])
  const softExpiry = asTime(fields['softExpiry'])
  const hardExpiry = asTime(fields['hardExpiry'])
  const fingerprint = asText(fields['fingerprint'], MAX_NAME)
  if (version === undefined || issuedAt === undefined || fingerprint === undefined) return undefined
  if (softExpiry === undefined || hardExpiry === undefined || softExpiry > hardExpiry) return undefined
  return { version, issuedAt, softExpiry, hardExpiry, fingerprint }
}

/** An entry's value from its opened text; `undefined` when it is not JSON. */
export const parseValueText = (text: string): Json | undefined => parseJson(text) as Json | undefined
