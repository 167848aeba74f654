import type { Agent } from 'node:http'
import { type Answer, createPost } from '@warmtoken/core/adapter'
import {
  agentRule,
  asFields,
  isFunction,
  misuse,
  objectRule,
  type Rule,
  textRule,
  urlRule,
} from '@warmtoken/core/adapter/setup'
import { type AwsCredentials, sign } from '../shared/sigv4.ts'

/** How long a server may take to accept a connection, and to answer, in ms. */
const POST = { connectTimeout: 1_000, answerTimeout: 2_000, maxAnswer: 4 * 1024 * 1024 } as const

/** Where a service is, and by what right it is called. */
export interface AwsPlace {
  /** The environment variables, where they may be read: `process.env`. Region, endpoint and credentials are taken from it. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The region. Default: `AWS_REGION` of `env`. */
  readonly region?: string
  /** The endpoint. Default: that of the service in the region. */
  readonly endpoint?: string
  /** Credentials, or a function that returns them, called for every request. Default: those in `env`. */
  readonly credentials?: AwsCredentials | (() => AwsCredentials | undefined | Promise<AwsCredentials | undefined>)
  /** An agent of `node:https`, such as that of a proxy. Default: one that keeps connections alive. */
  readonly agent?: Agent
}

/** The rules of {@link AwsPlace}. */
export const PLACE_RULES: { readonly [name: string]: Rule } = {
  env: objectRule,
  region: textRule,
  endpoint: urlRule,
  credentials: ['credentials or a function', (value) => isFunction(value) || asFields(value) !== undefined],
  agent: agentRule,
}

/** One request of a service. */
export interface ServiceRequest {
  readonly method?: 'POST' | 'DELETE'
  /** Below the endpoint, percent-encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends one signed request; resolves to the answer, whatever its status. */
export type Ask = (request: ServiceRequest, signal: AbortSignal) => Promise<Answer>

/** Makes what sends signed requests to a service. Throws `TypeError` when its region is not known. */
export function createAsk(where: string, service: string, place: AwsPlace): Ask {
  const { env = {}, agent } = place
  const region = place.region ?? env['AWS_REGION'] ?? misuse(where, 'option "region" is required without "env"')
  const url = new URL(place.endpoint ?? endpointOf(service, region))
  const base = url.pathname.replace(/\/$/, '')
  const post = createPost(url, { ...POST, ...(agent && { agent }) })
  const current = async (): Promise<AwsCredentials> => {
    const { credentials = () => credentialsIn(env) } = place
    const found = typeof credentials === 'function' ? await credentials() : credentials
    if (found !== undefined) return found
    throw Object.assign(new Error(`${where}: there are no credentials`), { code: 'STORE_DENIED', retryable: false })
  }

  return async ({ method = 'POST', path, headers, body }, signal) => {
    const full = base + path
    const unsigned = { method, host: url.host, path: full, region, service, headers, body, at: Date.now() }
    return post({ method, path: full, headers: sign(unsigned, await current()), body }, signal)
  }
}

function endpointOf(service: string, region: string): string {
  return `https://${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

function credentialsIn(env: NonNullable<AwsPlace['env']>): AwsCredentials | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) }
}
