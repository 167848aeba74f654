/**
 * The admin function: a Lambda handler that shows operators the records of a store, and steers them where it is told to.
 *
 * @module
 */

import type { Inventory, Store } from '../contracts.ts'
import { checkOptions, flagRule, misuse, oneOf, type Rule, shaped, textRule } from '../lib/options.ts'
import { asFields, matches } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import type { Reporter } from '../observe/report/types.ts'
import type { Calling } from '../operate/change.ts'
import { SteeringError } from '../operate/steer.ts'
import { type AdminAnswer, fileAnswer, json, type PageFiles, pageAnswer, refusal } from './answers.ts'
import { type AdminCache, checkCaches, viewCache } from './caches.ts'
import { parseControlRequest, takeAction } from './control.ts'
import { type Access, type Admitted, admit, readBody } from './gate.ts'
import { createRecords, type Records } from './records.ts'
import type { ControlAnswer, EnvironmentReport, Overview, RecordPage } from './types.ts'

export type { AdminAnswer, PageFile, PageFiles } from './answers.ts'
export type { AdminCache } from './caches.ts'
export type { Access } from './gate.ts'
export type {
  CacheCounts,
  CacheView,
  ControlAnswer,
  ControlRequest,
  EnvironmentReport,
  ErrorAnswer,
  KeyCounts,
  Overview,
  RecordPage,
} from './types.ts'

/** How {@link createAdmin} is set up. */
export interface AdminOptions {
  /** The store of the fleet. */
  readonly store: Store
  /** Lists its keys. Its role needs a right that reads every key. Default: only `tokens` are shown. */
  readonly inventory?: Inventory
  /** Handles of tokens by name: they are shown by these names, and without an inventory. Default: none. */
  readonly tokens?: { readonly [name: string]: { readonly key: string } }
  /** The caches whose invalidations and switches are shown. Default: none. */
  readonly caches?: readonly AdminCache[]
  /** What this environment counts: the reporter that `createTokens` was given as `report`. Default: none. */
  readonly report?: Pick<Reporter, 'read'>
  /** The page: `page` of `@warmtoken/console`. Default: only the API is served. */
  readonly page?: PageFiles
  /** True: actions are taken. Default false: everything is read-only. */
  readonly control?: boolean
  /**
   * `iam`: only requests that a gateway or a function URL with the authorizer AWS_IAM has let through. `loopback`: only
   * requests of this machine, for local runs. Default `iam`.
   */
  readonly access?: Access
  /** Who acts from this machine, for the records. Default `local`. With `iam` it is the ARN of the caller. */
  readonly operator?: string
  /** The path under which the function is reached, such as `/admin`. Default: the root. */
  readonly basePath?: string
}

const RULES: { readonly [Name in keyof AdminOptions]-?: Rule } = {
  store: shaped('read', 'swap'),
  inventory: shaped('pages'),
  tokens: [
    'handles by name',
    (value) => Object.values(asFields(value) ?? [0]).every((one) => typeof asFields(one)?.['key'] === 'string'),
  ],
  caches: ['a list', Array.isArray],
  report: shaped('read'),
  page: [
    'files by name, with index.html',
    (value) => asFields(asFields(value)?.['index.html'])?.['text'] !== undefined,
  ],
  control: flagRule,
  access: oneOf('iam', 'loopback'),
  operator: textRule,
  basePath: ['a path such as "/admin"', (value) => matches(value, /^(\/[A-Za-z0-9._~-]+){1,5}$/)],
}

/** How long one request may take, in ms: below the 30 s of an HTTP API. */
const TIMEOUT = 25_000

/**
 * Makes the handler of an HTTP API or a function URL (payload 2.0), with the rights of an operator. Throws `TypeError` that
 * names the option when one is wrong or unknown. The handler rejects with nothing: each problem is an answer.
 *
 * @example
 * ```ts
 * export const handler = createAdmin({ store, inventory: dynamoDBInventory({ table: 'tokens' }), page })
 * ```
 */
export function createAdmin(options: AdminOptions): (event: unknown) => Promise<AdminAnswer> {
  const given = checkOptions('createAdmin', options, RULES, ['store'])
  const { store, inventory, tokens = {}, page = {}, control = false, access = 'iam', basePath = '' } = given
  const caches = checkCaches(given.caches ?? [])
  if (access === 'iam' && given.operator !== undefined)
    misuse('createAdmin', '"operator" is for access "loopback"; with "iam" it is the ARN of the caller')
  const names = Object.fromEntries(Object.entries(tokens).map(([name, { key }]) => [key, name]))
  const known = (): readonly string[] => Object.keys(names)
  const records = createRecords({ store, inventory, known, now: () => systemRuntime.monotonic() })

  const overview = async ({ operator }: Admitted, calling: Calling): Promise<Overview> => {
    const [keys, views] = await Promise.all([
      records.count(calling),
      Promise.all(caches.map((one) => viewCache(store, one, calling))),
    ])
    const environment = given.report && environmentOf(given.report)
    return { now: Date.now(), store: store.name, control, operator, keys, names, environment, caches: views }
  }

  const act = async (event: unknown, admitted: Admitted, calling: Calling): Promise<AdminAnswer> => {
    if (!control) return refusal(403, 'read-only', 'The admin function was started without "control: true".')
    const body = readBody(event, admitted.request)
    if (body.outcome === 'refused') return body.answer
    const parsed = parseControlRequest(body.fields)
    if (parsed.outcome === 'wrong') return refusal(400, parsed.field, `"${parsed.field}" must be ${parsed.must}.`)
    const outcome = await takeAction({ store, caches }, parsed.request, admitted.operator, calling)
    if (outcome === undefined) return refusal(404, 'cache', 'The admin function was handed no cache of this name.')
    return json(200, { outcome } satisfies ControlAnswer)
  }

  const read = async (path: string, admitted: Admitted, calling: Calling): Promise<AdminAnswer> => {
    const { query, encodings, stage } = admitted
    if (path === '/api/overview') return json(200, await overview(admitted, calling), encodings)
    if (path === '/api/records') return json(200, await pageOf(records, query('after') ?? '', calling), encodings)
    const isPage = path === '/' || path === ''
    const name = isPage ? 'index.html' : path.slice(1)
    const found = Object.hasOwn(page, name) ? page[name] : undefined
    if (found === undefined) return refusal(404, 'path', 'There is nothing here.')
    return isPage ? pageAnswer(found, basePath && `${stage}${basePath}`, encodings) : fileAnswer(found, encodings)
  }

  return async (event) => {
    const admitted = admit(event, access, given.operator ?? 'local')
    if (admitted.outcome === 'refused') return admitted.answer
    const { method, path: whole } = admitted.request
    if (whole !== basePath && !whole.startsWith(`${basePath}/`))
      return refusal(404, 'path', `Everything is under ${basePath}/.`)
    const path = whole.slice(basePath.length)
    const calling = { signal: AbortSignal.timeout(TIMEOUT) }
    try {
      if (method !== 'POST') return await read(path, admitted, calling)
      if (path !== '/api/control') return refusal(405, 'method', 'Only api/control takes POST.')
      return await act(event, admitted, calling)
    } catch (error) {
      return problem(error)
    }
  }
}

async function pageOf(records: Records, after: string, calling: Calling): Promise<RecordPage> {
  const { records: found, next } = await records.page(after, calling)
  return { now: Date.now(), records: found, next }
}

/** Field by field, so that what another reporter might add stays out. */
function environmentOf(report: Pick<Reporter, 'read'>): EnvironmentReport {
  const { all, sources } = report.read()
  return { all, sources }
}

/** An error of unknown origin may quote a record: only those that are known to be harmless are shown. */
function problem(error: unknown): AdminAnswer {
  if (error instanceof SteeringError) return refusal(409, 'refused', error.message)
  const { name, message, code } =
    error instanceof Error ? (error as Error & { code?: unknown }) : { name: '', message: '' }
  if (name === 'StoreFault' && typeof code === 'string')
    return refusal(code === 'STORE_DENIED' ? 403 : 503, code, message)
  if (name === 'TimeoutError' || name === 'AbortError')
    return refusal(504, 'timeout', 'The store did not answer in time.')
  return refusal(500, 'unexpected', `The admin function failed (${matches(name, /^\w{1,60}$/) ? name : 'error'}).`)
}
