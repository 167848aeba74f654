import {
  abortable,
  isStoreFault,
  markAmbiguous,
  repeatOnce,
  type Store,
  type StoreCalls,
  type StoreFault,
  storeFault,
} from '@warmtoken/core/adapter'
import { type Ask, type CallsOptions, makeCalls } from './calls/calls.ts'
import { createFaults, isAnswer, isReadOnly, type Remedy } from './calls/faults.ts'
import { keepConnection, shareConnection } from './connection.ts'
import { inspectServer } from './inspect.ts'
import { type Link, linkOf } from './link.ts'
import { CLIENT, type RedisStoreOptions } from './options.ts'
import { type RedisSettings, readSettings } from './settings.ts'

/** How long the first attempt may take, in ms: a second one must fit into the time of a request, which is 800 by default. */
const FIRST_ATTEMPT = 350
/** How long an operator waits for the server's INFO, in ms. */
const SETTINGS_TIME = 10_000

const NAME = 'Redis'

/** What a node of a cluster says to a client that does not know of clusters. */
const NOT_A_CLUSTER: Remedy = {
  words: /^(MOVED|ASK|CROSSSLOT)\b/,
  why: 'the server is a node of a cluster; give a cluster client, as of new Cluster() or createCluster()',
  code: 'STORE_REFUSED',
}

/** The store's requests. Made with the first of them. */
export function openCalls(options: RedisStoreOptions): Required<StoreCalls & Pick<Store, 'open'>> {
  const { open, settings: _settings, ...calls } = openServer(options)
  return { ...makeCalls(calls), open }
}

interface Operated {
  /** Asks the server for its settings. `undefined` when it does not say. */
  settings(): Promise<RedisSettings | undefined>
}

/** What every request needs: how a script is sent, and what becomes of an error. */
export function openServer(options: RedisStoreOptions): Required<CallsOptions & Pick<Store, 'open'>> & Operated {
  const { prefix = 'warmtoken:', connect, client } = options
  let isCluster = false
  const single = createFaults(NAME, [NOT_A_CLUSTER])
  const cluster = createFaults(NAME)
  const faultOf = (error: unknown): StoreFault => (isCluster ? cluster(error) : single(error))

  const linked = (made: unknown): Link => {
    const link = linkOf(made)
    if (link === undefined)
      throw storeFault(`${NAME}: "connect" must return ${CLIENT}`, { code: 'STORE_REFUSED', retryable: false })
    isCluster = link.isCluster
    return link
  }
  const connection =
    connect === undefined ? shareConnection(linked(client)) : keepConnection(async () => linked(await make(connect)))
  const inspect = inspectServer(options)

  /** Resolves to a connection that can be used, and whose server is as it must be. */
  const open = async (): ReturnType<typeof connection> => {
    const opened = await connection()
    await inspect(opened.link)
    return opened
  }

  const ask: Ask = async (name, script, { keys, args, signal }) => {
    let limit: number | undefined = FIRST_ATTEMPT
    const attempt = async (): Promise<unknown> => {
      const { use } = await abortable(open(), signal)
      const ends = { signal, ...(limit !== undefined && { limit }) }
      limit = undefined
      try {
        return await use((link) => link.ask(name, script, { keys, args }), ends)
      } catch (error) {
        // Such a client may have sent it more than once, and shows only what became of the last attempt.
        throw isCluster || client !== undefined ? markAmbiguous(error) : error
      }
    }
    return repeatOnce(attempt, { signal, isUnanswered })
  }

  return {
    ask,
    prefix,
    faultOf,
    isCluster: () => isCluster,
    async open() {
      await open()
    },
    async settings() {
      return readSettings((await connection()).link, SETTINGS_TIME)
    },
  }
}

/** Makes a client. What your function rejects with may quote a password, so only its name and code go further. */
async function make(connect: NonNullable<RedisStoreOptions['connect']>): Promise<unknown> {
  try {
    return await connect()
  } catch (cause) {
    throw storeFault(`${NAME}: "connect" failed`, { code: 'STORE_UNAVAILABLE', retryable: true, cause })
  }
}

/** A replica has answered, and did nothing; the next connection may lead to the new primary. */
function isUnanswered(error: unknown): boolean {
  if (isStoreFault(error)) return error.retryable
  return !isAnswer(error) || isReadOnly(error)
}
