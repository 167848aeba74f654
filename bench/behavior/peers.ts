import { openAwsSdk, openMiddy, openPowertools, openWarmtoken, openWarmtokenFleet } from './caches.ts'
import { entra, feishu, gitHub, type Place, refreshing, type StartIssuer } from './issuers.ts'
import { openFeishu, openGoogle, openMsal, openOctokit } from './vendors.ts'

/** One column: a client or a cache, and the issuer that it asks. */
export interface Peer {
  readonly name: string
  /** The package whose version is told. */
  readonly package: string
  readonly start: StartIssuer
  /** What `open` returns asks for a token. */
  readonly open: (place: Place) => () => Promise<string>
  /** So many environments; left out: each is opened alone. */
  readonly openFleet?: (place: Place, environments: number) => readonly (() => Promise<string>)[]
  /** Whether it makes the key itself, so that two hosts can be mixed up by it. */
  readonly keys: boolean
}

/** The columns. */
export const PEERS: readonly Peer[] = [
  {
    name: 'warmtoken',
    package: '@warmtoken/core',
    start: entra,
    open: (place) => openWarmtoken(place),
    openFleet: openWarmtokenFleet,
    keys: true,
  },
  { name: 'Feishu node SDK', package: '@larksuiteoapi/node-sdk', start: feishu, open: openFeishu, keys: true },
  { name: 'msal-node', package: '@azure/msal-node', start: entra, open: openMsal, keys: true },
  { name: 'octokit auth-app', package: '@octokit/auth-app', start: gitHub, open: openOctokit, keys: true },
  { name: 'google-auth-library', package: 'google-auth-library', start: refreshing, open: openGoogle, keys: false },
  { name: 'AWS SDK memoize', package: '@aws-sdk/client-secrets-manager', start: entra, open: openAwsSdk, keys: false },
  {
    name: 'Powertools parameters',
    package: '@aws-lambda-powertools/parameters',
    start: entra,
    open: openPowertools,
    keys: false,
  },
  { name: "Middy's pattern", package: '@middy/util', start: entra, open: openMiddy, keys: false },
]
