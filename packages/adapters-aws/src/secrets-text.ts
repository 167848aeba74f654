import { refused } from './source-fault.ts'

/** How long a read may take, in ms: it is part of a fetch, which has 3,000 by default and must still reach the issuer. */
export const LIMIT = 2_000

/** The secret in what was read. What is wrong is said by the name of the field, never by what it holds. */
export function secretIn(what: string, whole: string | undefined, field: string | undefined): string {
  if (whole === undefined) throw refused(`${what}: it is binary; a text is needed`, 'SECRET_INVALID')
  const secret = field === undefined ? whole : fieldOf(what, whole, field)
  if (typeof secret === 'string' && secret !== '') return secret
  const where = field === undefined ? 'it' : `its field "${field}"`
  throw refused(`${what}: ${where} is missing, empty or not a text`, 'SECRET_INVALID')
}

function fieldOf(what: string, whole: string, field: string): unknown {
  const fields = parse(whole)
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    throw refused(`${what}: it is not a JSON object, so it has no field "${field}"`, 'SECRET_INVALID')
  return Object.hasOwn(fields, field) ? (fields as { readonly [name: string]: unknown })[field] : undefined
}

/** The parser's own error would quote the secret. */
function parse(whole: string): unknown {
  try {
    return JSON.parse(whole) as unknown
  } catch {
    return undefined
  }
}
