import type { Agent } from 'node:http'
import {
  agentRule,
  checkOptions,
  flagRule,
  isFunction,
  misuse,
  type Rule,
  shaped,
  textRule,
} from '@warmtoken/core/adapter/setup'

/** What the store uses of a `Redis` of `@upstash/redis`, whose own type would have to be installed. */
export interface RedisClient {
  /** Runs a script by its text. */
  eval(script: string, keys: string[], args: string[]): Promise<unknown>
  /** Runs a script by its SHA-1. */
  evalsha(sha1: string, keys: string[], args: string[]): Promise<unknown>
}

/** How `upstashStore` is set up: with `url` and `token`, or with a `client`. */
export interface UpstashStoreOptions {
  /** The REST URL of the database. */
  readonly url?: string
  /** Allow `http:` in `url` beyond this machine, where everyone on the way can read the tokens. Default false. */
  readonly allowInsecure?: boolean
  /** Its REST token. It must be allowed EVAL and EVALSHA: a read-only token is not. */
  readonly token?: string
  /** What the keys begin with. Default `warmtoken:`. */
  readonly prefix?: string
  /** An agent of `node:https`, such as that of a proxy. Not with `client`. Default: one that keeps connections alive. */
  readonly agent?: Agent
  /**
   * A `Redis` of `@upstash/redis`, or a function that returns it. It should retry once, not deserialize, not pipeline on
   * its own, and have no `signal` or one that is a function. Default: none. Requests are sent without a client then, so that a
   * new environment loads neither the client nor the `fetch` that it uses.
   */
  readonly client?: RedisClient | (() => RedisClient | Promise<RedisClient>)
}

const isClient = shaped('eval', 'evalsha')[1]

const RULES: { readonly [name: string]: Rule } = {
  url: ['an https URL', textRule[1]],
  allowInsecure: flagRule,
  token: textRule,
  prefix: ['a text', (value) => typeof value === 'string'],
  agent: agentRule,
  client: ['a Redis of @upstash/redis, or a function that returns it', (value) => isFunction(value) || isClient(value)],
}

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. It never shows what was given. */
export function checkUpstashOptions(options: UpstashStoreOptions): void {
  const { url, token, agent, client, allowInsecure = false } = checkOptions('upstashStore', options, RULES)
  for (const [name, value] of Object.entries({ url, token })) {
    if (client === undefined && value === undefined)
      misuse('upstashStore', `option "${name}" is required when there is no "client"`)
  }
  for (const [name, value] of Object.entries({ url, token, agent })) {
    if (client !== undefined && value !== undefined)
      misuse('upstashStore', `option "${name}" cannot be combined with "client", which has its own`)
  }
  if (url !== undefined && !isAddress(url, allowInsecure))
    misuse('upstashStore', 'option "url" must be an https URL; http to other machines needs "allowInsecure"')
}

function isAddress(url: string, allowInsecure: boolean): boolean {
  return /^https?:/i.test(url) && URL.canParse(url) && (allowInsecure || isPrivate(new URL(url)))
}

/** Whether nobody on the way can read what is sent to this address: it is encrypted, or stays on this machine. */
function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
