import { type StoreFault, storeFault } from '@warmtoken/core/adapter'
import type { Link } from './link.ts'
import type { RedisProblem, RedisStoreOptions } from './options.ts'
import { readSettings } from './settings.ts'

/** How long the server's INFO is waited for, in ms. Without it nothing is known, and nothing is wrong. */
const INFO_TIME = 350

/** Makes the check of a server's settings. It asks once; the returned function rejects while they cannot be used. */
export function inspectServer(options: RedisStoreOptions): (link: Link) => Promise<void> {
  let inspection: Promise<StoreFault | undefined> | undefined
  return async (link) => {
    inspection ??= inspect(link, options)
    const fault = await inspection
    if (fault === undefined) return
    // An operator may change the settings.
    inspection = undefined
    throw fault
  }
}

async function inspect(
  link: Link,
  { durable = false, onProblem = warn }: RedisStoreOptions,
): Promise<StoreFault | undefined> {
  const settings = await readSettings(link, INFO_TIME)
  if (settings?.isClusterNode === true && !link.isCluster)
    return refused('the server is a node of a cluster; give a cluster client, as of new Cluster() or createCluster()')
  const policy = settings?.evictionPolicy
  if (policy === undefined) return undefined
  const message = `the server deletes records when its memory is full (maxmemory-policy ${policy}); set it to noeviction`
  if (durable) return refused(`"durable" is true, but ${message}`)
  tell(onProblem, { type: 'eviction', policy, message: `redisStore: ${message}` })
  return undefined
}

function refused(why: string): StoreFault {
  return storeFault(`Redis: ${why}`, { code: 'STORE_REFUSED', retryable: false })
}

function tell(listener: (problem: RedisProblem) => void, problem: RedisProblem): void {
  try {
    listener(problem)
  } catch {
    // A listener that throws must not take a token away.
  }
}

const warned = new Set<string>()

function warn({ type, message }: RedisProblem): void {
  if (warned.has(type)) return
  warned.add(type)
  process.emitWarning(`${message}, or pass "onProblem"`, { type: 'WarmTokenWarning', code: 'WARMTOKEN_REDIS' })
}
