/**
 * Tokens for `@octokit/auth-app`: a `cache` for `createAppAuth`, so that it takes ours and never asks for its own.
 *
 * @module
 */

import { asFields } from '../lib/parse.ts'
import type { TokenFamily } from '../tokens/types.ts'

/** A choice of repositories and permissions, in the words of `@octokit/auth-app`. */
export interface OctokitChoice {
  /** Names of repositories, without their owner, in the order in which they are asked for. */
  readonly repositoryNames?: readonly string[]
  readonly repositoryIds?: readonly number[]
  readonly permissions?: { readonly [name: string]: 'read' | 'write' | 'admin' }
}

/** An installation's token, as `gitHubInstallation` takes it. */
export interface OctokitInstallation extends Omit<OctokitChoice, 'repositoryNames'> {
  readonly installationId: number
  readonly repositories?: readonly string[]
}

/** The `cache` of `createAppAuth`. */
export type OctokitCache = { get(key: string): Promise<string>; set(key: string, value: string): void }

/** `@octokit/auth-app` takes a token for dead a minute before its end, in ms. */
const MARGIN = 60_000

/** As the library writes permissions: `contents,issues!`, where `!` is more than read. */
function write(permissions: object): string[] {
  return Object.entries(permissions).map(([name, level]) => (level === 'read' ? name : `${name}!`))
}

/** A choice as the library has it in a key, after the installation's id; different ones can look the same. */
function suffixOf({ repositoryIds = [], repositoryNames = [], permissions = {} }: OctokitChoice): string {
  return [[...repositoryIds].sort(), repositoryNames, write(Object.fromEntries(Object.entries(permissions).sort()))]
    .filter((list) => list.length > 0)
    .map((list) => list.join(','))
    .join('|')
}

/**
 * A cache for one `createAppAuth`. `family`: what `tokens.use(gitHubInstallation(…))` returned, of the same App and host.
 * `choices`: all of repositories and permissions that are asked for, since the library's keys do not distinguish them all.
 * `TypeError` for two that look the same there; one that is not in the list rejects the library's call with it.
 *
 * @example
 * ```ts
 * const family = tokens.use(gitHubInstallation({ appId: 1, privateKey: () => secret('github') }))
 * const auth = createAppAuth({ appId: 1, privateKey: 'kept by warmtoken', cache: octokitCache(family) })
 * ```
 */
export function octokitCache(
  family: Pick<TokenFamily<OctokitInstallation>, 'for'>,
  choices: readonly OctokitChoice[] = [],
): OctokitCache {
  if (typeof asFields(family)?.['for'] !== 'function' || !Array.isArray(choices))
    throw new TypeError('octokitCache: give what use(gitHubInstallation(…)) returns, and a list of choices')
  const known = new Map<string, OctokitChoice>([['', {}]])
  for (const choice of choices) {
    if (known.has(suffixOf(choice))) throw new TypeError('octokitCache: two choices look the same to the library')
    known.set(suffixOf(choice), choice)
  }
  return {
    async get(key) {
      const [id = '', ...rest] = key.split('|')
      const choice = known.get(rest.join('|'))
      if (choice === undefined) throw new TypeError('octokitCache: this choice is not in the list of choices')
      const { repositoryNames: repositories, ...wanted } = choice
      const handle = family.for({ installationId: Number(id), ...wanted, ...(repositories && { repositories }) })
      const token = handle.peek(MARGIN) ?? (await handle.get({ minLifetime: MARGIN }))
      const now = Date.now()
      const dates = [now - token.age(), now + token.remaining()].map((instant) => new Date(instant).toISOString())
      const selection = choice.repositoryIds === undefined && repositories === undefined ? 'all' : 'selected'
      return [token.value, ...dates, selection, write(asFields(token.extra['permissions']) ?? {}).join(',')].join('|')
    },
    // What the library was told to fetch on its own (`refresh`) stays with the caller that asked for it.
    set() {},
  }
}
