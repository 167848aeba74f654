import { type Imitation, startEntra, startFeishu, startGitHub } from '@warmtoken/local/issuers'
import type { SdkName } from './sdks/load.ts'
import type { Place } from './sdks/sdk.ts'

/** An issuer and a client of it. */
export interface Running {
  readonly issuer: Imitation
  readonly place: Place
  /** Resolves to whether the issuer's own API takes this token. */
  takes(token: string): Promise<boolean>
}

/** How an issuer is started. Lengths are in ms. */
export interface IssuerOptions {
  readonly delay?: number
  readonly lifetime?: number
}

async function startMsal({ delay = 0, lifetime = 3_599_000 }: IssuerOptions = {}): Promise<Running> {
  const issuer = await startEntra({ delay, tokenLifetime: lifetime })
  const place = { url: issuer.url, clientId: issuer.clientId, secret: 'local-secret' }
  return { issuer, place, takes: async (token) => issuer.tenantOf(token) !== undefined }
}

async function asks(url: string, token: string): Promise<Response> {
  return fetch(url, { headers: { authorization: `Bearer ${token}`, 'user-agent': 'test' } })
}

async function startLark({ delay = 0, lifetime = 7_200_000 }: IssuerOptions = {}): Promise<Running> {
  const issuer = await startFeishu({ delay, lifetime })
  const place = { url: issuer.url, clientId: 'cli_local', secret: 'local-secret' }
  const takes = async (token: string): Promise<boolean> => {
    const answer: unknown = await (await asks(`${issuer.url}/open-apis/contact/v3/users`, token)).json()
    return (answer as { readonly code?: unknown }).code === 0
  }
  return { issuer, place, takes }
}

async function startOctokit({ delay = 0, lifetime = 3_600_000 }: IssuerOptions = {}): Promise<Running> {
  const issuer = await startGitHub({ delay, tokenLifetime: lifetime })
  const place = { url: issuer.url, clientId: issuer.clientId, secret: issuer.privateKey }
  return { issuer, place, takes: async (token) => (await asks(`${issuer.url}/installation/repositories`, token)).ok }
}

/** The issuer of each SDK. */
export const ISSUERS: Readonly<Record<SdkName, (options?: IssuerOptions) => Promise<Running>>> = {
  msal: startMsal,
  feishu: startLark,
  octokit: startOctokit,
}
