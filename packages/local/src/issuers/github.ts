import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { createAppBook, type GitHubInstallationGrant } from './github-app.ts'
import { whyRefused } from './github-assertion.ts'
import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'

/** How an imitation of GitHub is set up. Durations are in ms. */
export interface GitHubImitationOptions extends ImitationOptions {
  /** The App's client id. Default `Iv23li0123456789abcd`. */
  readonly clientId?: string
  /** The App's id. Default 1. */
  readonly appId?: number
  /** The installations by id. Default 1 and 2, each with two repositories. */
  readonly installations?: { readonly [id: string]: GitHubInstallationGrant }
  /** For how long after its issue a token is refused by the API. Default 0. */
  readonly settleTime?: number
  /** Of a token. Default 3,600,000 (1 h). */
  readonly tokenLifetime?: number
}

/**
 * A running imitation of GitHub: `/app/installations/{id}/access_tokens`, and `/installation/repositories` as the API
 * that checks tokens.
 */
export interface GitHubImitation extends Imitation {
  /** The App's client id. */
  readonly clientId: string
  /** The App's id. */
  readonly appId: number
  /** The App's private key, as GitHub gives it: PEM (PKCS #1). */
  readonly privateKey: string
  /** How many tokens were given out. */
  readonly issued: number
  /** The assertions that were sent, oldest first. */
  readonly assertions: readonly string[]
  /** How many API calls were accepted. */
  readonly accepted: number
  /** Takes every token back. */
  revokeAll(): void
  /** Suspends an installation, or ends that: suspended, it gets 403. */
  suspend(installationId: number, suspended: boolean): void
}

const INSTALLATIONS: { readonly [id: string]: GitHubInstallationGrant } = {
  1: { repositories: { 11: 'one', 12: 'two' }, permissions: { contents: 'write', metadata: 'read' } },
  2: { repositories: { 21: 'three', 22: 'four' }, permissions: { issues: 'write', metadata: 'read' } },
}

function message(status: number, text: string): ImitatedAnswer {
  return { status, body: { message: text } }
}

/** Starts an imitation of GitHub. It makes the App's key pair, which takes some tenths of a second. */
export async function startGitHub(options: GitHubImitationOptions = {}): Promise<GitHubImitation> {
  const { clientId = 'Iv23li0123456789abcd', appId = 1, installations = INSTALLATIONS } = options
  const { settleTime = 0, tokenLifetime = 3_600_000 } = options
  const pair = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
  const book = createAppBook(installations, { settleTime, tokenLifetime })
  const assertions: string[] = []
  let accepted = 0

  const giveToken = (id: string, { headers, json }: ImitatedRequest, now: number): ImitatedAnswer => {
    const [, assertion = ''] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? []
    assertions.push(assertion)
    const problem = whyRefused(assertion, { publicKey: pair.publicKey, issuers: [clientId, appId, `${appId}`], now })
    if (problem !== undefined) return message(401, problem)
    const issued = book.issue(id, json, now)
    if ('problem' in issued) return message(issued.status, issued.problem)
    return { status: 201, body: issued }
  }

  const answerApi = ({ headers }: ImitatedRequest, now: number): ImitatedAnswer => {
    const [, token = ''] = /^(?:Bearer|token) (.+)$/i.exec(headers.authorization ?? '') ?? []
    const repositories = book.repositoriesOf(token, now)
    if (repositories === undefined) return message(401, 'Bad credentials')
    accepted += 1
    return { body: { total_count: repositories.length, repositories } }
  }

  const idOf = ({ method, path }: ImitatedRequest): string | undefined =>
    method === 'POST' ? /^\/app\/installations\/(\d+)\/access_tokens$/.exec(path)?.[1] : undefined
  const imitation = await startImitation(
    options,
    (request) => idOf(request) !== undefined,
    (request, now) => {
      // GitHub refuses a request that does not name itself.
      if (request.headers['user-agent'] === undefined) return message(403, 'Request forbidden by administrative rules')
      const id = idOf(request)
      if (id !== undefined) return giveToken(id, request, now)
      return request.path === '/installation/repositories' ? answerApi(request, now) : undefined
    },
  )
  return extend<GitHubImitation>(imitation, {
    clientId,
    appId,
    privateKey: pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    assertions,
    get issued() {
      return book.issued()
    },
    get accepted() {
      return accepted
    },
    revokeAll: book.revokeAll,
    suspend: (installationId, suspended) => book.suspend(String(installationId), suspended),
  })
}
