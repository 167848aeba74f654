import {
  type AuthorizationServer,
  allowInsecureRequests,
  customFetch,
  discoveryRequest,
  processDiscoveryResponse,
} from 'oauth4webapi'
import { SourceUnavailableError } from '../../errors.ts'
import { ask, checkStatus } from '../shared/answer.ts'
import type { IssuerOptions } from './options.ts'

/** How long issuer metadata is kept, in ms. */
const METADATA_LIFE = 3_600_000
/** How many issuers' metadata is kept. */
const MAX_METADATA = 100

const metadata = new Map<string, { readonly server: AuthorizationServer; readonly at: number }>()

/**
 * Resolves to the issuer's metadata, asked for once an hour. Rejects with `SourceUnavailableError` that says
 * `nothingDone`: no token was asked for yet.
 */
export async function findServer(options: IssuerOptions, signal: AbortSignal): Promise<AuthorizationServer> {
  const { issuer, tokenEndpoint } = options
  if (tokenEndpoint !== undefined) return { issuer: tokenEndpoint, token_endpoint: tokenEndpoint }
  const address = issuer ?? ''
  const known = metadata.get(address)
  if (known !== undefined && Date.now() - known.at < METADATA_LIFE) return known.server
  try {
    const server = await discover(new URL(address), options.allowInsecure === true, signal)
    if (metadata.size >= MAX_METADATA) metadata.clear()
    metadata.set(address, { server, at: Date.now() })
    return server
  } catch (error) {
    throw unsent(error, 'the metadata of the issuer could not be read')
  }
}

async function discover(url: URL, allowInsecure: boolean, signal: AbortSignal): Promise<AuthorizationServer> {
  const response = await discoveryRequest(url, {
    signal,
    [allowInsecureRequests]: allowInsecure,
    [customFetch]: async (target, { body: _body, ...init }) => {
      const answer = await ask(target, init)
      checkStatus(answer)
      return new Response(answer.text, { status: answer.status, headers: answer.headers })
    },
  })
  return processDiscoveryResponse(url, response)
}

/**
 * The error for a token request that was never sent. Only this library's own errors pass; others may quote what the
 * issuer wrote.
 */
export function unsent(error: unknown, message: string): SourceUnavailableError {
  if (!(error instanceof SourceUnavailableError))
    return new SourceUnavailableError(message, { code: 'BAD_ANSWER', nothingDone: true })
  const { code, retryAfter, kind } = error
  return new SourceUnavailableError(error.message, {
    code,
    retryAfter,
    throttled: kind === 'throttled',
    nothingDone: true,
  })
}
