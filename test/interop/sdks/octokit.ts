import { createRequire } from 'node:module'
import { createAppAuth, type StrategyOptions } from '@octokit/auth-app'
import type { TokenFamily, Tokens } from '@warmtoken/core'
import { gitHubInstallation, type Installation } from '@warmtoken/core/github'
import { type OctokitCache, octokitCache } from '@warmtoken/core/octokit'
import { type Place, type Sdk, withoutSecret } from './sdk.ts'

/** Octokit's own way to ask, which the package under test brings along. */
const requireHere = createRequire(import.meta.url)
const beside = createRequire(requireHere.resolve('@octokit/auth-app'))
const { request } = beside('@octokit/request') as { readonly request: NonNullable<StrategyOptions['request']> }

/** `createAppAuth` at an imitation. */
export function octokitAuth({ url, clientId, secret }: Place, cache?: OctokitCache): ReturnType<typeof createAppAuth> {
  return createAppAuth({
    appId: clientId,
    privateKey: secret,
    request: request.defaults({ baseUrl: url, headers: { 'user-agent': 'test' } }),
    ...(cache && { cache }),
  })
}

/** The installations of the App. */
export function familyOf(tokens: Tokens, { url, clientId, secret }: Place): TokenFamily<Installation> {
  return tokens.use(gitHubInstallation({ clientId, privateKey: secret, baseUrl: url, allowInsecure: true }))
}

/** GitHub's, with the first installation of the imitation. */
export const sdk: Sdk = {
  handle: (tokens, place) => familyOf(tokens, place).for({ installationId: 1 }),
  open(place, tokens) {
    const auth = octokitAuth(withoutSecret(place, tokens), tokens && octokitCache(familyOf(tokens, place)))
    return async () => (await auth({ type: 'installation', installationId: 1 })).token
  },
}
