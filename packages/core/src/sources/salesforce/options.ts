import type { Secret } from '../shared/definition.ts'

/** How `salesforce` is set up. */
export interface SalesforceOptions {
  /** The consumer key of the connected app: the `iss` of the assertion. */
  readonly clientId: string
  /** The private key of the certificate that the app knows, as PEM, or a function that gives it. */
  readonly privateKey: Secret
  /** The user to act as. Left out, the user is a parameter: `tokens.use(source).for({ username })`. */
  readonly username?: string
  /**
   * Where to sign in: `https://login.salesforce.com`, the default, `https://test.salesforce.com` for a sandbox, or the
   * org's own domain.
   */
  readonly loginUrl?: string
  /** The `aud` of the assertion. Default `loginUrl`. */
  readonly audience?: string
  /**
   * How long a token is used, in ms, because Salesforce does not say. It must be below the org's session timeout. Default
   * 5,400,000 (90 min), for the usual timeout of 2 h.
   */
  readonly lifetime?: number
  /** Allow `http:` for a server on this machine. Default false. */
  readonly allowInsecure?: boolean
}
