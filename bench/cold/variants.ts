/** One bundle that is loaded in a new process. */
export interface Variant {
  readonly name: string
  /** Its source, from the folder of the benchmarks. */
  readonly source: string
  readonly part?: 'limit' | 'ours' | 'beside'
  /** Whether built-ins are taken by our plugin. */
  readonly plugin?: boolean
  /** Whether the process is bare. Default: it has loaded what the runtime client of Lambda has before a handler runs. */
  readonly bare?: boolean
  /** For a first token: the tier that must give it. */
  readonly tier?: 'file' | 'store' | 'source'
}

function load(name: string, file: string, more: Partial<Variant> = {}): Variant {
  return {
    name,
    source: `cold/load/${file}.ts`,
    ...more,
  }
}
function first(name: string, file: string, more: Partial<Variant> = {}): Variant {
  return {
    name,
    source: `cold/first/${file}.ts`,
    ...more,
  }
}

/** What is taken off each time. */
export const EMPTY: Variant = load('nothing', 'empty', { part: 'beside' })

/** What is taken off in a bare process. */
export const EMPTY_BARE: Variant = { ...EMPTY, name: 'nothing, bare process', bare: true }

/** Bundles that are only loaded. */
export const loads: readonly Variant[] = [
  load('by hand: Middy, memory, file, signed HTTPS', 'ideal', { part: 'limit' }),
  load('Middy', 'middy', { part: 'beside' }),
  load('warmtoken + Middy', 'core', { part: 'ours', plugin: true }),
  load('warmtoken + Middy + OAuth 2 + DynamoDB', 'full', { part: 'ours', plugin: true }),
  load('warmtoken + Middy + OAuth 2 + DynamoDB, no plugin', 'full', { part: 'beside' }),
  load('cachified', 'cachified'),
  load('lru-cache', 'lru-cache'),
  load('octokit auth-app', 'octokit'),
  load('Upstash client', 'upstash'),
  load('msal-node', 'msal'),
  load('bentocache + Middy', 'bentocache'),
  load('bentocache + Middy + DynamoDB client', 'bentocache-dynamodb'),
  load('Powertools parameters + Middy + SSM', 'powertools-ssm'),
  load('secrets-manager + Middy', 'secrets-manager'),
  load('DynamoDB client', 'dynamodb-client'),
  load('DynamoDB client, our plugin', 'dynamodb-client', { plugin: true, part: 'beside' }),
]

/** Bundles that are loaded and asked for a token. */
export const firsts: readonly Variant[] = [
  first('request signed by hand, node:https', 'raw', { part: 'limit' }),
  first('request signed by hand, fetch', 'by-fetch'),
  first('SDK alone', 'sdk'),
  first('SDK alone, our plugin', 'sdk', { plugin: true, part: 'beside' }),
  first('warmtoken, credentials in env', 'lean', { part: 'ours', plugin: true, tier: 'store' }),
  first('warmtoken, credentials in env, no plugin', 'lean', { part: 'beside', tier: 'store' }),
  first('warmtoken through the SDK', 'by-sdk', { part: 'ours', plugin: true, tier: 'store' }),
  first('warmtoken through the SDK, no plugin', 'by-sdk', { part: 'beside', tier: 'store' }),
  first('warmtoken with a client handed in', 'by-client', { part: 'ours', plugin: true, tier: 'store' }),
  first('warmtoken with a client handed in, no plugin', 'by-client', { part: 'beside', tier: 'store' }),
  first('warmtoken, file', 'file', { part: 'ours', plugin: true, tier: 'file' }),
  first('warmtoken, an instant source', 'source', { part: 'ours', plugin: true, tier: 'source' }),
  first('request signed by hand, bare process', 'raw', { part: 'beside', bare: true }),
  first('warmtoken, credentials in env, bare process', 'lean', {
    part: 'beside',
    plugin: true,
    tier: 'store',
    bare: true,
  }),
]
