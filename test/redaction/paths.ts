import { randomBytes } from 'node:crypto'
import type { Codec, Store } from '@warmtoken/core'
import { withTokens } from '@warmtoken/core/handler'
import { json, type Reply, startServer } from './answering-server.ts'
import type { Bench } from './bench.ts'
import type { Subject } from './sources.ts'
import { storesAt } from './stores.ts'

/** A way through the library, and what comes of it: what each look saw, in a few words. */
export interface Path {
  readonly name: string
  readonly outcome: RegExp
  run(bench: Bench): Promise<readonly string[]>
}

/** A first `get` against an issuer that answers like this. */
function answered(name: string, outcome: RegExp, reply: (bench: Bench) => Reply): Path {
  return {
    name,
    outcome,
    async run(bench) {
      bench.issuer.answer = () => reply(bench)
      const { handle, tokens } = bench.environment({}, name === 'hangs' ? { sourceTimeout: 300 } : {})
      // The second is answered by the pause, from what the record says about the failure.
      const first = await bench.look('error', () => handle.get())
      await bench.look('error of the pause', () => handle.get())
      await bench.look('error in another environment', () => bench.environment().handle.get())
      await bench.look('prewarm', async () => tokens.prewarm({ handle }))
      return [first]
    },
  }
}

/** The first `get` with something in place of the usual parts. */
function changed(name: string, outcome: RegExp, change: (bench: Bench) => Parameters<Bench['environment']>): Path {
  return {
    name,
    outcome,
    async run(bench) {
      const { handle } = bench.environment(...change(bench))
      return [await bench.look('what came', () => handle.get())]
    },
  }
}

const HTML = { 'content-type': 'text/html' }

/** What stores answer when all is not well. `words` stands for a record that nothing seals. */
const STORE_ANSWERS: { readonly [name: string]: (words: string) => Reply } = {
  'an answer that is cut off': (words) => ({ body: `{"Item":{"body":{"S":${JSON.stringify(words)}` }),
  'an answer that is none': (words) => ({ headers: HTML, body: `<${words}` }),
  'no right': () => json({ __type: 'com.amazonaws#AccessDeniedException', error: 'NOPERM', message: 'no' }, 400),
  'a fault': (words) => ({ status: 500, body: `<Error><Code>InternalError</Code></Error>${words}` }),
}

/** A store of an adapter, with its real client, whose server answers like that. */
function stored(name: string, answer: string): Path {
  return {
    name: `with ${name} that gives ${answer}`,
    outcome: /^(token|StoreError)/,
    async run(bench) {
      const server = await startServer()
      server.answer = () => STORE_ANSWERS[answer]?.(bench.words) ?? 'hang'
      const store = storesAt[name]?.(server.url)
      const { handle } = bench.environment({}, store === undefined ? {} : { store })
      const seen = await bench.look('what came', () => handle.get())
      await bench.look('what came then', () => handle.get())
      await server.close()
      return [server.received.length > 0 ? seen : 'the store was not asked']
    },
  }
}

/** An address at which nobody listens: the system never chooses a port below 1024 for a server. */
const NOBODY = 'http://127.0.0.1:2'

const down: Store = {
  name: 'down',
  read: () => Promise.reject(new Error('no')),
  swap: () => Promise.reject(new Error('no')),
}

/** A codec that says all it knows when it fails. */
function talkative(failing: 'seal' | 'open'): Codec {
  const fail = (text: string): never => {
    throw Object.assign(new Error(`cannot ${failing} ${text}`, { cause: text }), { text, code: text })
  }
  return {
    name: 'talkative',
    seal: failing === 'seal' ? fail : () => 'shut',
    open: fail,
  }
}

/** Stands for the token in an answer from which it is to be taken. */
const TOKEN = 'the-token'

/** A good answer without the token. */
function withoutToken(reply: Reply): Reply {
  return typeof reply === 'string' ? reply : { ...reply, body: String(reply.body).replaceAll(TOKEN, '') }
}

/** Every way of every source. */
const paths: readonly Path[] = [
  {
    name: 'works',
    outcome: /token, token, token, token, answer 200/,
    async run(bench) {
      const { handle, tokens } = bench.environment()
      const seen = [
        await bench.look('token', () => handle.get()),
        await bench.look('token in memory', () => handle.get()),
        await bench.look('token of the file', () => bench.environment().handle.get()),
        await bench.look('token of the store', () => bench.environment({}, { directory: false }).handle.get()),
        await bench.look('answer', () => handle.fetch(bench.api.url)),
      ]
      await bench.look('prewarm', async () => tokens.prewarm({ handle }))
      await bench.look('handler', async () => withTokens({ handle }, async () => 'done')({}, {}))
      return seen
    },
  },
  answered('is refused', /SourceRefusedError/, ({ subject, words }) => subject.refusal(words)),
  answered('is throttled', /^SourceUnavailableError .*429$/, ({ words }) =>
    json({ error: words }, 429, { 'retry-after': '9' }),
  ),
  answered('fails inside', /^SourceUnavailableError .*500$/, ({ words }) => json({ error: words, stack: words }, 500)),
  answered('gives garbage', /SourceUnavailableError/, ({ words }) => ({
    body: Buffer.concat([randomBytes(200), Buffer.from(words), randomBytes(200)]),
  })),
  answered('gives no JSON', /SourceUnavailableError/, ({ words }) => ({
    headers: HTML,
    body: `<html>${words}</html>`,
  })),
  answered('gives a list', /SourceUnavailableError/, ({ words }) => json([words])),
  answered('gives no token', /SourceUnavailableError/, ({ subject, words }) =>
    withoutToken(subject.good(TOKEN, words, '/app_access_token')),
  ),
  answered('gives an error in words', /Source/, ({ words }) =>
    json({ error: words, code: words, errcode: words }, 400),
  ),
  answered('gives a token that no header carries', /SourceUnavailableError/, ({ subject, words }) =>
    subject.good(`line\n${words}`, words, '/app_access_token'),
  ),
  answered('gives a redirect', /SourceUnavailableError/, ({ words }) => ({
    status: 302,
    headers: { location: `http://127.0.0.1:1/?${encodeURIComponent(words)}` },
    body: words,
  })),
  answered('breaks off', /SourceUnavailableError/, () => 'break'),
  answered('hangs', /SourceUnavailableError/, () => 'hang'),
  {
    name: 'is not there',
    outcome: /SourceUnavailableError/,
    async run(bench) {
      const { handle } = bench.environment({ url: NOBODY })
      return [await bench.look('error', () => handle.get())]
    },
  },
  {
    name: 'takes too long for the caller',
    outcome: /TimeoutError/,
    async run(bench) {
      bench.issuer.answer = () => 'hang'
      // The source must not give up first, however busy the machine is.
      const { handle, tokens } = bench.environment()
      const seen = await bench.look('error', () => handle.get({ timeout: 100 }))
      bench.issuer.answer = () => json({ error: bench.words }, 500)
      bench.issuer.drop()
      await tokens.settle({ timeout: 1_000 })
      return [seen]
    },
  },
  {
    name: 'is refused by the API and replaced',
    outcome: /answer 200/,
    async run(bench) {
      const { handle } = bench.environment()
      const first = (await handle.get()).value
      bench.give(1)
      bench.api.answer = ({ carries }) =>
        carries(first) ? bench.subject.rejection(bench.apiWords) : { body: bench.apiWords }
      return [await bench.look('answer', () => handle.fetch(bench.api.url))]
    },
  },
  {
    name: 'is for an API that is not there',
    outcome: /^TypeError$/,
    async run(bench) {
      const { handle } = bench.environment()
      return [await bench.look('error', () => handle.fetch(NOBODY))]
    },
  },
  {
    name: 'is refused and the body cannot be sent again',
    outcome: /NotReplayableError/,
    async run(bench) {
      bench.api.answer = () => {
        bench.give(1)
        return bench.subject.rejection(bench.apiWords)
      }
      const { handle } = bench.environment()
      const body = (): ReadableStream => new Blob(['once']).stream()
      const init = { method: 'POST', duplex: 'half' as const }
      return [await bench.look('error', () => handle.fetch(bench.api.url, { ...init, body: body() }))]
    },
  },
  {
    name: 'is given again although it was refused',
    outcome: /^token, token, token/,
    async run(bench) {
      const { handle } = bench.environment()
      const token = await handle.get()
      return [
        await bench.look('token', async () => token),
        await bench.look('token given again', () => handle.reject(token)),
        await bench.look('token of the pause', () => handle.get()),
      ]
    },
  },
  changed('without a store', /token/, () => [{}, { store: down }]),
  changed('with a codec that cannot seal', /token/, () => [{}, { codec: talkative('seal') }]),
  {
    name: 'with a codec that cannot open',
    outcome: /token, token/,
    async run(bench) {
      const first = await bench.look('token', () => bench.environment().handle.get())
      const { handle } = bench.environment({}, { codec: talkative('open') })
      return [first, await bench.look('another token', () => handle.get())]
    },
  },
  {
    name: 'with records that are none',
    outcome: /token, token/,
    async run(bench) {
      const { key } = bench.environment().handle
      const signal = AbortSignal.timeout(5_000)
      const put = async (body: string): Promise<void> => {
        const { image } = await bench.store.read(key, { signal, consistent: true })
        const swap = { expected: image, body, tag: crypto.randomUUID(), keepUntil: Date.now() + 60_000 }
        await bench.store.swap(key, swap, { signal })
      }
      const seen: string[] = []
      for (const body of ['not JSON', JSON.stringify({ schema: 1, key, epoch: 'many' })]) {
        await put(body)
        const { handle } = bench.environment({}, { directory: false })
        seen.push(await bench.look('token', () => handle.get()))
      }
      return seen
    },
  },
  changed('with a secret that is not available', /SourceUnavailableError/, ({ words }) => [
    {
      secret: () => {
        throw Object.assign(new Error(`no access to ${words}`, { cause: words }), { words })
      },
    },
  ]),
  changed('with a secret that is none', /Source/, ({ words }) => [{ secret: () => ({ words }) as never }]),
  changed('with the wrong text for a secret', /./, ({ words }) => [{ secret: () => `-----BEGIN\n${words}` }]),
]

/** Ways of stores that do not work. They are the same for all sources, so a few stand for all. */
const storePaths: readonly Path[] = Object.keys(storesAt).flatMap((name) =>
  Object.keys(STORE_ANSWERS).map((answer) => stored(name, answer)),
)

/** The ways that a source goes. */
export function pathsOf({ stores }: Subject): readonly Path[] {
  return stores ? [...paths, ...storePaths] : paths
}
