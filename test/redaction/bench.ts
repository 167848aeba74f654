import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Metrics } from '@aws-lambda-powertools/metrics'
import {
  type Codec,
  createTokens,
  type Store,
  Token,
  type TokenHandle,
  type Tokens,
  type TokensOptions,
  type WarmEvent,
} from '@warmtoken/core'
import { createAdmin } from '@warmtoken/core/admin'
import { memoryStore } from '@warmtoken/core/memory'
import { powertoolsMetrics } from '@warmtoken/core/metrics'
import { createReport } from '@warmtoken/core/report'
import { aesGcm } from '@warmtoken/core/seal'
import { type AnsweringServer, startServer } from './answering-server.ts'
import { everythingOf } from './everything.ts'
import { assertionMark, type Mark, mark } from './marks.ts'
import type { Given, Subject } from './sources.ts'
import { awsKey, upstashToken } from './stores.ts'

/** Something that came out, where someone may read it. */
export interface Outlet {
  readonly name: string
  readonly text: string
  /** Access tokens belong there, and nothing else that is secret. */
  readonly tokens?: boolean
}

/** How values rest: sealed, or as they are. */
export type Rest = 'sealed' | 'plain'

/** Where one path is run. */
export interface Bench {
  readonly subject: Subject
  readonly issuer: AnsweringServer
  readonly api: AnsweringServer
  /** Everything secret in one text, as a careless issuer would quote it. */
  readonly words: string
  /** The same for an API. */
  readonly apiWords: string
  /** The issuer gives the first or the second token from now on. */
  give(which: 0 | 1): void
  /** A new environment: own memory, the common store, the common folder unless told otherwise. */
  environment(
    given?: Partial<Given>,
    options?: TokensOptions,
  ): { readonly tokens: Tokens; readonly handle: TokenHandle }
  /** The store that environments share. */
  readonly store: Store
  /** Everything that can be seen of a value goes to the outlets. Returns what it was, in a few words. */
  look(what: string, make: () => Promise<unknown>): Promise<string>
  /** Looks at all that was left behind. */
  finish(): Promise<Finding>
}

/** What came of one path. */
export interface Finding {
  readonly marks: readonly Mark[]
  readonly outlets: readonly Outlet[]
  /** What reached the issuer, so that a test can see that the secrets were in play. */
  readonly asked: string
  /** What rests in the value part of files and records. */
  readonly resting: string
}

const RING = { current: 'one', keys: { one: Buffer.alloc(32, 7) } }

/** What an error or a value is, in a few words that hold no secret. */
function describe(value: unknown): string {
  if (value instanceof Token) return 'token'
  if (value instanceof Response) return `answer ${value.status}`
  if (!(value instanceof Error)) return typeof value
  return `${value.name} ${'code' in value ? String(value.code) : ''}`.trim()
}

/** A record or a file without its value part, and that part. */
function split(whole: string): readonly [rest: string, sealed: string] {
  // A file has its value in a line of its own, and a checksum in front of both.
  const [text = '', ...lines] = whole.replace(/^\d+\n/, '').split('\n')
  const sealed: string[] = [...lines]
  try {
    const rest: unknown = JSON.parse(text, (name, value: unknown) => {
      if (name !== 'sealed') return value
      sealed.push(String(value))
      return undefined
    })
    return [`${JSON.stringify(rest)}\n${everythingOf(rest)}`, sealed.join('\n')]
  } catch {
    return [whole, '']
  }
}

/** A store that keeps a copy of all that it is given. */
function watched(store: Store, tell: (text: string) => void): Store {
  return {
    name: store.name,
    read(key, options) {
      tell(key)
      return store.read(key, options)
    },
    swap(key, swap, options) {
      tell(key)
      tell(swap.tag)
      tell(swap.body)
      return store.swap(key, swap, options)
    },
  }
}

/** Sets up servers, store and folder for one path of one source. */
export async function startBench(subject: Subject, rest: Rest): Promise<Bench> {
  const issuer = await startServer()
  const api = await startServer()
  const directory = mkdtempSync(join(tmpdir(), 'warmtoken-redaction-'))
  const given = [mark('access token'), mark('second access token')] as const
  const [issuerBody, apiBody] = [mark('issuer body'), mark('API body')]
  const own = [subject.secret, ...(subject.second ? [subject.second] : []), awsKey, upstashToken]
  const words = [...own, ...given, issuerBody].map(({ text }) => text).join(' | ')
  const apiWords = [...given, apiBody].map(({ text }) => text).join(' | ')
  const outlets: Outlet[] = []
  const events: WarmEvent[] = []
  const published: unknown[] = []
  const hear = (message: unknown): void => void published.push(message)
  subscribe('warmtoken', hear)
  const written: string[] = []
  const store = watched(memoryStore(), (text) => written.push(text))
  const codec: Codec | undefined = rest === 'sealed' ? aesGcm({ ring: RING }) : undefined
  const reporter = createReport()
  const metrics = powertoolsMetrics(new Metrics({ namespace: 'redaction', serviceName: 'test' }))
  const handles: TokenHandle[] = []
  const add = (name: string, value: unknown): void => void outlets.push({ name, text: everythingOf(value) })

  const give: Bench['give'] = (which) => {
    issuer.answer = ({ path }) => subject.good(given[which].text, words, path)
  }
  give(0)
  api.answer = () => ({ body: apiWords })

  const environment: Bench['environment'] = (changed, options) => {
    const tokens = createTokens({
      store,
      directory,
      ...(codec && { codec }),
      onEvent: [(event) => events.push(event), metrics],
      report: reporter,
      ...options,
    })
    const secret = (): string => subject.secret.text
    const second = (): string => subject.second?.text ?? ''
    const handle = subject.bind(tokens, { url: issuer.url, secret, second, ...changed })
    handles.push(handle)
    add('key', handle.key)
    add('handle', handle)
    return { tokens, handle }
  }

  const look: Bench['look'] = async (what, make) => {
    const value = await make().catch((error: unknown) => error)
    outlets.push({ name: what, text: everythingOf(value) })
    // As a user would log it; what is printed is searched as well.
    console.log(what, value)
    console.error(`${what}: ${value}`)
    return describe(value)
  }

  /** All that an operator can see and do, by the admin function. */
  const administer = async (): Promise<void> => {
    const tokens = Object.fromEntries(handles.map((handle, n) => [`token ${n}`, handle]))
    const admin = createAdmin({ store, tokens, report: reporter, control: true, access: 'loopback' })
    const ask = async (method: string, path: string, body?: object): Promise<void> => {
      const http = { method, path, sourceIp: '127.0.0.1' }
      const headers = { host: 'localhost', 'content-type': 'application/json' }
      const event = { rawPath: path, headers, requestContext: { http }, body: JSON.stringify(body) }
      const answer = await admin(event)
      if (answer.statusCode >= 500) throw new Error(`the admin function answered ${answer.statusCode}`)
      add(`admin ${path}`, answer)
    }
    for (const { key } of handles.slice(0, 2)) {
      await ask('POST', '/api/control', { action: 'stop', key, minutes: 1 })
      await ask('GET', '/api/records')
      for (const action of ['reset', 'refresh']) await ask('POST', '/api/control', { action, key })
    }
    await ask('GET', '/api/overview')
    await ask('GET', '/api/records')
  }

  const finish = async (): Promise<Finding> => {
    await administer()
    unsubscribe('warmtoken', hear)
    add('events', events)
    add('channel', published)
    add('report', reporter.read())
    outlets.push({ name: 'requests to the API', tokens: true, text: api.received.map(({ text }) => text).join('\n') })
    const files = readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), 'utf8')] as const)
    const parts = [...files.map(([, text]) => text), ...written].map(split)
    // Sealed values are searched like everything else; as they are they may hold the token, and nothing else may.
    const shown = rest === 'sealed' ? parts.flat() : parts.map(([others]) => others)
    outlets.push({ name: 'names of files', text: files.map(([name]) => name).join('\n') })
    outlets.push({ name: 'files and records', text: shown.join('\n') })
    await Promise.all([issuer.close(), api.close()])
    rmSync(directory, { recursive: true, force: true })
    const asked = issuer.received.map(({ authorization, text }) => `${authorization}\n${text}`).join('\n')
    const assertions = [...asked.matchAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g)].map(([jwt]) => assertionMark(jwt))
    const marks = [...own, ...given, issuerBody, apiBody, ...assertions]
    return { marks, outlets, asked, resting: parts.map(([, sealed]) => sealed).join('\n') }
  }

  return { subject, issuer, api, words, apiWords, give, environment, store, look, finish }
}
