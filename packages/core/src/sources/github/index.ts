/**
 * Installation tokens of GitHub Apps. What a hit loads is this definition; the request is loaded with the first fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../../contracts.ts'
import { checkOptions, countRule, flagRule, textOrFunctionRule, textRule, urlRule } from '../../lib/options.ts'
import { asFields } from '../../lib/parse.ts'
import { baseUrlOf, fingerprintOf, type Secret, secretIdentity } from '../shared/definition.ts'

/** How {@link gitHubInstallation} is set up. */
export interface GitHubInstallationOptions {
  /** The App's client id. Either this or `appId`. */
  readonly clientId?: string
  /** The App's id, where there is no client id yet. */
  readonly appId?: number
  /**
   * The App's private key as PEM (PKCS #1 as GitHub gives it, or PKCS #8), or a function that gives it: called only when
   * a token is really fetched. Line breaks may be written as `\n`.
   */
  readonly privateKey: Secret
  /** Where the API is, such as `https://github.example.com/api/v3`. Default `https://api.github.com`. */
  readonly baseUrl?: string
  /** Allow `http:` for an issuer on this machine. Default false. */
  readonly allowInsecure?: boolean
}

/** Which installation a token is for, and what it may do there. */
export interface Installation {
  /** The installation's id. */
  readonly installationId: number
  /** Names of the repositories that it may use, without their owner; 1 to 500. Default: all that are installed. */
  readonly repositories?: readonly string[]
  /** The same by id. */
  readonly repositoryIds?: readonly number[]
  /** What it may do there, such as `{ contents: 'read' }`; one or more. Default: all that the App was granted. */
  readonly permissions?: { readonly [name: string]: 'read' | 'write' | 'admin' }
}

const RULES = {
  clientId: textRule,
  appId: countRule,
  privateKey: textOrFunctionRule,
  baseUrl: urlRule,
  allowInsecure: flagRule,
}

/** GitHub takes an empty list for no list, and no list for all repositories: a filter that left nothing must not ask so. */
function listOf(test: (item: unknown) => boolean) {
  return (value: unknown): boolean =>
    Array.isArray(value) && value.length > 0 && value.length <= 500 && value.every(test)
}

function isPermission(value: unknown): boolean {
  return value === 'read' || value === 'write' || value === 'admin'
}

const PARAMETERS = {
  installationId: countRule,
  repositories: [
    'a list of 1 to 500 names of repositories, without their owner',
    listOf((item) => textRule[1](item) && !String(item).includes('/')),
  ] as const,
  repositoryIds: ['a list of 1 to 500 ids of repositories', listOf(countRule[1])] as const,
  permissions: [
    'an object of one permission or more, each read, write or admin',
    (value: unknown) => {
      const levels = Object.values(asFields(value) ?? {})
      return levels.length > 0 && levels.every(isPermission)
    },
  ] as const,
}

/** What is asked of the issuer: checked, each list sorted and without repeats, as it is part of the key. */
function wantedOf(params: Installation) {
  const given = checkOptions('gitHubInstallation', params, PARAMETERS, ['installationId'])
  const { installationId, repositories, repositoryIds, permissions } = given
  return {
    installationId,
    repositories: repositories === undefined ? null : [...new Set(repositories)].sort(),
    repositoryIds: repositoryIds === undefined ? null : [...new Set(repositoryIds)].sort((one, two) => one - two),
    permissions: permissions === undefined ? null : { ...permissions },
  }
}

/** How long after its issue a token may be unknown to a part of GitHub; as long as GitHub's own client tries. In ms. */
const SETTLE_TIME = 5_000

/**
 * Tokens of a GitHub App's installations, one for each installation and choice of repositories and permissions. Throws
 * `TypeError` that names the option when one is missing, wrong or unknown; and the parameter, from `.for(…)`.
 *
 * @example
 * ```ts
 * const github = tokens.use(gitHubInstallation({ clientId: 'Iv23li0123456789abcd', privateKey: () => secret('github') }))
 * const token = await github.for({ installationId: 42, permissions: { contents: 'read' } }).get()
 * ```
 */
export function gitHubInstallation(options: GitHubInstallationOptions): Source<TokenValue, Installation> {
  const given = checkOptions('gitHubInstallation', options, RULES, ['privateKey'])
  const { clientId, appId, privateKey } = given
  if ((clientId === undefined) === (appId === undefined))
    throw new TypeError('gitHubInstallation: give either option "clientId" or option "appId"')
  const client = clientId ?? String(appId)
  const baseUrl = baseUrlOf('gitHubInstallation', given.baseUrl ?? 'https://api.github.com', given.allowInsecure)
  return {
    kind: 'github',
    parameters: true,
    identity: (params) => ({ baseUrl, client, secret: secretIdentity(privateKey), ...wantedOf(params) }),
    secretFingerprint: fingerprintOf(privateKey),
    traits: { settleTime: SETTLE_TIME },
    async fetch(request) {
      const { requestInstallationToken } = await import('./token.ts')
      return requestInstallationToken({ baseUrl, client, privateKey, ...wantedOf(request.params) }, request)
    },
  }
}
