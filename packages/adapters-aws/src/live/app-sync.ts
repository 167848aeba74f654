import { createPost, storeFault } from '@warmtoken/core/adapter'
import { asFields, checkOptions, matches, parseJson, textRule, urlRule } from '@warmtoken/core/adapter/setup'
import type { LiveEvent, Publisher } from '@warmtoken/core/live'

/** Events a request (AppSync Events, publish over HTTP). */
const BATCH = 5

/** How {@link appSyncPublisher} is set up. */
export interface AppSyncPublisherOptions {
  /** The HTTP endpoint of the Event API: `https://<id>.appsync-api.<region>.amazonaws.com/event`. */
  readonly endpoint: string
  /** An API key that may publish. */
  readonly apiKey: string
  /** The namespace of the channels. Default `default`. */
  readonly channelNamespace?: string
}

const RULES = {
  endpoint: urlRule,
  apiKey: textRule,
  channelNamespace: [
    'a name of a namespace',
    (value: unknown) => matches(value, /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?$/),
  ] as const,
}

/**
 * Publishes to AppSync Events, which fans out on its own: `/<namespace>/<channel of the topic>`. Throws `TypeError` that
 * names a wrong option.
 */
export function appSyncPublisher(options: AppSyncPublisherOptions): Publisher {
  const required = ['endpoint', 'apiKey']
  const { endpoint, apiKey, channelNamespace = 'default' } = checkOptions('appSyncPublisher', options, RULES, required)
  const post = createPost(new URL(endpoint), { connectTimeout: 1_000, answerTimeout: 2_000, maxAnswer: 1024 * 1024 })

  const send = async (topic: string, events: readonly LiveEvent[], signal: AbortSignal): Promise<void> => {
    const channel = `/${channelNamespace}/${channelOf(topic)}`
    const body = JSON.stringify({ channel, events: events.map((event) => JSON.stringify(event)) })
    const answer = await post({ headers: { 'content-type': 'application/json', 'x-api-key': apiKey }, body }, signal)
    const failed = asFields(parseJson(answer.text))?.['failed']
    if (answer.status === 200 && !(Array.isArray(failed) && failed.length > 0)) return
    const isDenied = answer.status === 401 || answer.status === 403
    throw storeFault(`AppSync Events: a publish was answered by ${answer.status}`, {
      code: isDenied ? 'STORE_DENIED' : 'STORE_UNAVAILABLE',
      retryable: !isDenied,
    })
  }

  return {
    name: 'appsync',
    async publish(events, { signal }) {
      const unsent: LiveEvent[] = []
      const faults: unknown[] = []
      const sent: Promise<void>[] = []
      for (const [topic, all] of Map.groupBy(events, (event) => event.topic))
        for (let start = 0; start < all.length; start += BATCH) {
          const part = all.slice(start, start + BATCH)
          const fail = (fault: unknown): void => {
            unsent.push(...part)
            faults.push(fault)
          }
          sent.push(send(topic, part, signal).catch(fail))
        }
      await Promise.all(sent)
      if (unsent.length > 0) throw Object.assign(Object(faults[0]), { unsent })
    },
  }
}

/**
 * The segment of a channel that stands for a topic: letters, digits and hyphens, at most 50. A client takes the same function
 * from here.
 */
export function channelOf(topic: string): string {
  const plain = topic.replace(/[^A-Za-z0-9-]/g, '-')
  if (plain === topic && topic.length <= 50) return topic
  const hash = process.getBuiltinModule('node:crypto').createHash('sha256').update(topic).digest('hex')
  return `${plain.slice(0, 17).replace(/^-+/, '')}-${hash.slice(0, 32)}`
}
