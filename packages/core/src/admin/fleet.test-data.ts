/** Environments over one store in memory, and an admin function that looks at them. */

import type { Inventory, Source, Store, TokenValue } from '../contracts.ts'
import { memoryStore } from '../stores/memory.ts'
import { createTokens } from '../tokens/tokens.ts'
import type { Tokens } from '../tokens/types.ts'
import { type AdminAnswer, type AdminOptions, createAdmin } from './admin.ts'

/** What no answer may show. */
export const SECRET = 'marked-secret-value'
/** Who asks. */
export const ARN = 'arn:aws:sts::123456789012:assumed-role/operator/ada'

/** A request, as a function URL hands it over. */
export interface Asked {
  readonly method?: string
  readonly path?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Who has signed it; `null`: nobody. */
  readonly arn?: string | null
  readonly sourceIp?: string
}

/** The event of a request. */
export function eventOf({ method = 'GET', path = '/', query, headers = {}, body, arn = ARN, sourceIp }: Asked): object {
  const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body)
  return {
    version: '2.0',
    rawPath: path,
    headers: {
      host: 'abc.lambda-url.eu-central-1.on.aws',
      ...(method === 'POST' && { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }),
      ...headers,
    },
    ...(query && { queryStringParameters: query }),
    requestContext: {
      http: { method, path, sourceIp: sourceIp ?? '203.0.113.7' },
      stage: '$default',
      ...(arn !== null && { authorizer: { iam: { userArn: arn } } }),
    },
    ...(text !== undefined && { body: text }),
    isBase64Encoded: false,
  }
}

/** A store in memory with its inventory. */
export function listedStore(): { readonly store: Store; readonly inventory: Inventory; readonly keys: Set<string> } {
  const memory = memoryStore()
  const keys = new Set<string>()
  const store: Store = {
    ...memory,
    swap(key, swap, options) {
      keys.add(key)
      return memory.swap(key, swap, options)
    },
  }
  const inventory: Inventory = {
    name: 'memory',
    async *pages() {
      yield { keys: [...keys], cursor: undefined }
    },
  }
  return { store, inventory, keys }
}

/** An answer, and its body where that is JSON. */
export interface Asking {
  readonly status: number
  readonly answer: AdminAnswer
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they need.
  readonly json: any
}

/** What {@link createFleet} gives. */
export interface AdminFleet {
  readonly store: Store
  readonly inventory: Inventory
  /** Every key that was ever written. */
  readonly keys: ReadonlySet<string>
  source(identity: string, more?: Partial<Source<TokenValue>>): Source<TokenValue>
  environment(): Tokens
  fetches(): number
  admin(options?: Partial<AdminOptions>): (asked: Asked) => Promise<Asking>
}

/** Environments, a source that counts its fetches, and the admin function. */
export function createFleet(): AdminFleet {
  const { store, inventory, keys } = listedStore()
  let fetches = 0
  const source = (identity: string, more: Partial<Source<TokenValue>> = {}): Source<TokenValue> => ({
    kind: 'crm',
    identity: () => identity,
    async fetch() {
      fetches += 1
      return { value: { value: `${SECRET}-${fetches}`, type: 'Bearer', chain: SECRET }, lifetime: 3_600_000 }
    },
    ...more,
  })
  const environment = (): Tokens => createTokens({ store, directory: false })
  return {
    store,
    inventory,
    keys,
    source,
    environment,
    fetches: () => fetches,
    admin(options = {}) {
      const handler = createAdmin({ store, inventory, ...options })
      return async (asked: Asked) => {
        const answer: AdminAnswer = await handler(eventOf(asked))
        const isJson = answer.headers['content-type'] === 'application/json' && answer.isBase64Encoded !== true
        return { status: answer.statusCode, answer, json: isJson ? JSON.parse(answer.body) : undefined }
      }
    },
  }
}
