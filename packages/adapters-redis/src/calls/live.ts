import type { LiveEvent, Publisher, Subscribers } from '@warmtoken/core/live'
import { type CallsOptions, runScript, unreadable } from './calls.ts'
import { ANNOUNCE, FOLLOW, FOLLOWERS, LEAVE, type Script } from './scripts.ts'

/** Who follows what, as sorted sets. `open` is asked before each request, and should keep what it made. */
export function makeSubscribers(name: string, open: () => Promise<CallsOptions>): Subscribers {
  const onEach = async (script: Script, topics: readonly string[], args: string[], signal: AbortSignal) => {
    const { ask, prefix, faultOf, isCluster = () => false } = await open()
    const keys = topics.map((topic) => `${prefix}live:${topic}`)
    // On a cluster the topics are on different servers.
    const parts = isCluster() ? keys.map((key) => [key]) : [keys]
    try {
      const answers = await Promise.all(parts.map((part) => runScript(ask, script, { keys: part, args, signal })))
      return answers[0]
    } catch (error) {
      throw faultOf(error)
    }
  }

  return {
    name,
    async add(topics, connection, until, { signal }) {
      await onEach(FOLLOW, topics, [connection, String(Math.ceil(until))], signal)
    },
    async drop(topics, connection, { signal }) {
      await onEach(LEAVE, topics, [connection], signal)
    },
    async page(topic, cursor = '', limit, { signal }) {
      const answer = await onEach(FOLLOWERS, [topic], [cursor, String(limit)], signal)
      const [, next, connections] = Array.isArray(answer) ? (answer as unknown[]) : []
      const [[end = ''], ids] = [textsIn(next), textsIn(connections)]
      return { connections: ids, next: end === '' ? undefined : end }
    },
  }
}

/** The texts of a list, each behind a `=`. Throws for anything else. */
function textsIn(list: unknown): readonly string[] {
  if (!Array.isArray(list) || !list.every((one) => typeof one === 'string')) throw unreadable()
  return list.map((one: string) => one.slice(1))
}

/** Publishes on the channel that announced writes are published on: `<prefix>live`. */
export function makePublisher(name: string, open: () => Promise<CallsOptions>): Publisher {
  return {
    name,
    async publish(events: readonly LiveEvent[], { signal }) {
      const { ask, prefix, faultOf } = await open()
      const args = [`${prefix}live`, ...events.map((event) => JSON.stringify(event))]
      await runScript(ask, ANNOUNCE, { keys: [], args, signal }).catch((error: unknown) => {
        throw faultOf(error)
      })
    },
  }
}
