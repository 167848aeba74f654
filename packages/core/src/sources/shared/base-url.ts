/**
 * The address of an issuer's API as it goes into an identity: two ways to write it are one key. Throws `TypeError` for
 * `http:` unless that is allowed, and for what would be lost (a query, a fragment) or told to nobody (a password).
 */
export function baseUrlOf(where: string, address: string, allowInsecure: boolean | undefined): string {
  const { protocol, origin, pathname, search, hash, username, password } = new URL(address)
  if (protocol === 'http:' && allowInsecure !== true)
    throw new TypeError(`${where}: option "baseUrl" must be https; set "allowInsecure" for an issuer on this machine`)
  if (search + hash + username + password !== '')
    throw new TypeError(`${where}: option "baseUrl" must have no query, fragment, user or password`)
  return origin + pathname.replace(/\/+$/, '')
}
