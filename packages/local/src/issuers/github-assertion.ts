import { type KeyObject, verify } from 'node:crypto'

/** What an assertion is compared with. */
export interface AssertionRules {
  readonly publicKey: KeyObject
  /** Who may have made it. */
  readonly issuers: readonly unknown[]
  /** The issuer's clock, in ms since 1970. */
  readonly now: number
}

/** An assertion may live so many seconds from now. */
const MAX_LIFE = 600

/** Why GitHub refuses an App's assertion, `undefined` when it does not. */
export function whyRefused(assertion: string, { publicKey, issuers, now }: AssertionRules): string | undefined {
  const [head = '', claims = '', signature = '', ...more] = assertion.split('.')
  const header = partOf(head)
  const payload = partOf(claims)
  if (header === undefined || payload === undefined || more.length > 0) return 'A JSON web token could not be decoded'
  const signed = Buffer.from(`${head}.${claims}`)
  const isGenuine =
    header['alg'] === 'RS256' && verify('RSA-SHA256', signed, publicKey, Buffer.from(signature, 'base64url'))
  if (!isGenuine) return 'A JSON web token could not be decoded'
  if (!issuers.includes(payload['iss'])) return "'Issuer' claim ('iss') must be an Integer or the client id"
  const { iat, exp } = payload
  const seconds = now / 1_000
  if (!isSeconds(iat) || iat > seconds)
    return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
  if (!isSeconds(exp) || exp <= seconds)
    return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
  return exp > seconds + MAX_LIFE ? "'Expiration time' claim ('exp') is too far in the future" : undefined
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function partOf(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
