import { Redis } from '@upstash/redis'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { type Fault, startRedisServer, startUpstash, type UpstashServer } from '@warmtoken/local'
import { type Backend, type Insight, type Running, refusal } from './backend.ts'

function says(error: string, status: number): Fault {
  return refusal(status, JSON.stringify({ error }), 'application/json')
}

/** How Upstash says what goes wrong. */
export const UPSTASH_ANSWERS: Running['answers'] = {
  'server-error': refusal(502, '<html>Bad Gateway</html>', 'text/html'),
  throttled: says('ERR max daily request limit exceeded. Limit: 10000, Usage: 10001.', 400),
  denied: says('WRONGPASS invalid or missing auth token', 401),
}

/** The channel of announced writes. */
const CHANNEL = 'warmtoken:live'

/** Listens to it. The function that this resolves to publishes a mark, and returns what was heard before that. */
async function listen(url: string, token: string) {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const answer = await fetch(`${url}/subscribe/${CHANNEL}`, { headers })
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return async (publish: (mark: string) => Promise<void>): Promise<readonly string[]> => {
    const mark = crypto.randomUUID()
    await publish(mark)
    while (!text.includes(mark)) text += (await reader?.read())?.value ?? ''
    const start = `data: message,${CHANNEL},`
    const heard = text.split('\n\n').flatMap((part) => (part.startsWith(start) ? part.slice(start.length) : []))
    text = ''
    return heard.slice(0, -1)
  }
}

/** Looks into a database without the store. */
export function lookIntoRedis(url: string, token: string): Insight {
  const command = async (...words: string[]): Promise<unknown> => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(words) })
    return ((await answer.json()) as { result?: unknown }).result
  }
  const announced = listen(url, token)
  return {
    takeAnnounced: async () => (await announced)(async (mark) => void (await command('PUBLISH', CHANNEL, mark))),
    keepUntilOf: async (key: string) => {
      const left = Number(await command('PTTL', `warmtoken:${key}`))
      return Date.now() + left
    },
    plant: async (key: string) => {
      await command('SET', `warmtoken:${key}`, 'something')
    },
  }
}

function running(server: UpstashServer, close: () => Promise<void>): Running {
  return {
    url: server.url,
    answers: UPSTASH_ANSWERS,
    ...lookIntoRedis(server.url, server.token),
    connect: (url) => upstashStore({ url, token: server.token }),
    close,
  }
}

/** Upstash's REST API over memory. */
export const upstashOverMemory: Backend = {
  name: 'Upstash/memory',
  async start() {
    const server = await startUpstash()
    return running(server, server.close)
  },
}

/** The same, by your own client with the settings that are part of the protocol. */
export const upstashByClient: Backend = {
  name: 'Upstash/memory, client',
  async start() {
    const server = await startUpstash()
    const { token } = server
    const settings = { automaticDeserialization: false, enableAutoPipelining: false, retry: { retries: 1 } } as const
    const connect = (url: string) => upstashStore({ client: () => new Redis({ url, token, ...settings }) })
    return { ...running(server, server.close), connect }
  },
}

/** The same, by your own client with all its defaults: it deserializes, pipelines and retries as it likes. */
export const upstashByDefaults: Backend = {
  name: 'Upstash/memory, client with its defaults',
  async start() {
    const server = await startUpstash()
    const { token } = server
    const connect = (url: string) => upstashStore({ client: new Redis({ url, token }) })
    return { ...running(server, server.close), connect }
  },
}

/** Upstash's REST API over a real Redis. */
export const upstashOverRedis: Backend = {
  name: 'Upstash/redis 7',
  async start() {
    const redis = await startRedisServer()
    const server = await startUpstash({ redis })
    return running(server, async () => {
      await server.close()
      await redis.close()
    })
  },
}
