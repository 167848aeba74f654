import type { KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { SourceRefusedError } from '../../errors.ts'
import { builtin } from '../../lib/builtin.ts'
import { checkSecret } from '../shared/answer.ts'

/** An App's assertion is dated back for clocks that differ, and lives less than the ten minutes that GitHub allows. In seconds. */
const BACKDATE = 60
const LIFE = 540
/** RS256 wants a key of so many bits at least (RFC 7518 §3.3). */
const MIN_BITS = 2048

/** A function that signs an assertion for the App as if it were `now`, in ms since 1970; a new one at each call. */
export function assertionsOf(client: string, pem: unknown): (now: number) => Promise<string> {
  const key = readKey(checkSecret(pem, 'privateKey'))
  return (now) => {
    const seconds = Math.floor(now / 1_000)
    return new SignJWT()
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
      .setIssuer(client)
      .setIssuedAt(seconds - BACKDATE)
      .setExpirationTime(seconds + LIFE)
      .sign(key)
  }
}

function readKey(pem: string): KeyObject {
  const key = tryKey(pem)
  const bits = key?.asymmetricKeyDetails?.modulusLength ?? 0
  if (key?.asymmetricKeyType === 'rsa' && bits >= MIN_BITS) return key
  throw new SourceRefusedError(`option "privateKey" is not a PEM (PKCS #1 or #8) of an RSA key of ${MIN_BITS} bits`, {
    code: 'BAD_KEY',
  })
}

function tryKey(pem: string): KeyObject | undefined {
  try {
    // An environment variable often has its line breaks as two characters.
    return builtin('crypto').createPrivateKey(pem.replaceAll('\\n', '\n'))
  } catch {
    // What the parser says may quote the key.
    return undefined
  }
}
