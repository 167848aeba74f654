import type { UpstashStoreOptions } from './redis.ts'

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}
function isClient(value: unknown): boolean {
  const { eval: run, evalsha } = Object(value) as { readonly eval?: unknown; readonly evalsha?: unknown }
  return isFunction(value) || (isFunction(run) && isFunction(evalsha))
}

/** Words that complete "option X must be …", and the test. */
const RULES: { readonly [name: string]: readonly [must: string, test: (value: unknown) => boolean] } = {
  url: ['an https URL', isText],
  allowInsecure: ['true or false', (value) => typeof value === 'boolean'],
  token: ['a text, not empty', isText],
  prefix: ['a text', (value) => typeof value === 'string'],
  client: ['a Redis of @upstash/redis, or a function that gives it', isClient],
}

/** Whether nobody on the way can read what is sent to this address: it is encrypted, or stays on this machine. */
function isPrivate({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

function isAddress(url: string, allowInsecure: boolean): boolean {
  return /^https?:/i.test(url) && URL.canParse(url) && (allowInsecure || isPrivate(new URL(url)))
}

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. It never shows what was given. */
export function checkOptions(options: UpstashStoreOptions): void {
  const wrong = (why: string): never => {
    throw new TypeError(`upstashStore: ${why}`)
  }
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    const [must, test] =
      (Object.hasOwn(RULES, name) && RULES[name]) ||
      wrong(`unknown option "${name}"; known are ${Object.keys(RULES).join(', ')}`)
    if (!test(value)) wrong(`option "${name}" must be ${must}`)
  }
  const { client, url, token, allowInsecure = false } = options ?? {}
  for (const [name, value] of [
    ['url', url],
    ['token', token],
  ]) {
    if (client === undefined && value === undefined) wrong(`option "${name}" is required when there is no "client"`)
    if (client !== undefined && value !== undefined) wrong(`option "${name}" wants no "client", which has its own`)
  }
  if (url !== undefined && !isAddress(url, allowInsecure))
    wrong('option "url" must be an https URL; http to others only with "allowInsecure"')
}
