import type { ReadOptions, Seen, Store } from '../contracts.ts'
import { numberOf, numberOfRoot, parseGeneration, parseRoot } from '../data/generations.ts'
import { createGenerationKeys, rootTopicOf } from '../data/home.ts'
import { checkOptions, durationRule, functionRule, type Rule, shaped, textRule } from '../lib/options.ts'
import { asFields, asTime, parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import type { LiveVersion } from './event.ts'
import { request } from './request.ts'

/** The most versions that one topic may have; of more, only the highest is told. */
const MAX_KEYS = 200
/** The longest answer, as JSON, in characters: with more, topics are told as a whole. A frame of API Gateway has 32 KB. */
const MAX_ANSWER = 28_000

/** A data cache, as `createCache` was given it. */
export interface CacheName {
  readonly name: string
  /** Default: none. */
  readonly namespace?: string
}

/** How {@link createVersions} is set up. */
export interface VersionsOptions {
  /** The store of tokens, values, sessions and caches. */
  readonly store: Store
  /** The caches whose tags may be followed. Default: a `tag:` topic has no version but those of `of`. */
  readonly caches?: readonly CacheName[]
  /** The versions of your own topics, read consistently. Default: such topics have none. */
  readonly of?: (topics: readonly string[], signal: AbortSignal) => Promise<readonly LiveVersion[]>
  /** How long one request may take, in ms. Default 2,000. */
  readonly timeout?: number
}

/**
 * Resolves to the versions of topics as the store has them now: a client repairs every gap by them. Rejects with `StoreError`
 * when they cannot be learned.
 */
export type Versions = (topics: readonly string[]) => Promise<readonly LiveVersion[]>

const cachesRule: Rule = [
  'a list of { name, namespace }, as createCache was given them',
  (value) => Array.isArray(value) && value.every((one) => textRule[1](asFields(one)?.['name'])),
]
const RULES = { store: shaped('read', 'swap'), caches: cachesRule, of: functionRule, timeout: durationRule }

/** Where the version of a topic is read. */
interface Place {
  readonly topic: string
  /** The key of the record. */
  readonly record: string
  /** The key that is told; `undefined`: the topic as a whole. */
  readonly key: string | undefined
  version(body: string, latest: number): number
}

/**
 * Reads versions: those of `key:` and `user:` topics from their records, those of `tag:` and `root:` topics from the records that
 * invalidations raise, and those of your own topics from `of`. Throws `TypeError` that names a wrong option.
 */
export function createVersions(options: VersionsOptions): Versions {
  const { store, caches = [], of, timeout = 2_000 } = checkOptions('createVersions', options, RULES, ['store'])
  const keys = caches.map(({ name, namespace = '' }) => createGenerationKeys(namespace, name))

  const placesOf = (topic: string): readonly Place[] => {
    const rest = topic.slice(topic.indexOf(':') + 1)
    if (topic.startsWith('key:')) return [{ topic, record: rest, key: rest, version: versionIn }]
    if (topic.startsWith('user:')) return [{ topic, record: `session~${rest}`, key: undefined, version: versionIn }]
    if (topic.startsWith('root:')) return [rootPlace(topic, `gen~${rest}`)]
    return topic.startsWith('tag:') ? keys.map(({ tagKey }) => tagPlace(topic, tagKey(rest))) : []
  }

  const read = async (places: readonly Place[], signal: AbortSignal): Promise<readonly LiveVersion[]> => {
    const found = await readAll(
      store,
      places.map(({ record }) => record),
      { signal, consistent: true },
    )
    return places.map(({ topic, key, record, version }) => {
      const { image, time } = found.get(record) ?? { image: undefined, time: undefined }
      const number = image === undefined ? 0 : version(image.body, time?.at ?? systemRuntime.wall())
      return { topic, ...(key !== undefined && { key }), version: number }
    })
  }

  return async (topics) => {
    await store.open?.()
    const own = topics.filter((topic) => !/^(key|user|root):/.test(topic))
    const what = `the versions of ${topics.length} topics could not be read`
    const asked = { runtime: systemRuntime, timeout, what, key: topics[0] ?? '' }
    const [recorded, others] = await request(asked, (signal) =>
      Promise.all([read(topics.flatMap(placesOf), signal), own.length > 0 ? (of?.(own, signal) ?? []) : []]),
    )
    return fold([...recorded, ...others.filter(({ topic }) => own.includes(topic))])
  }
}

/** The topic of a cache: invalidations of patterns, and of everything. */
export function rootTopic({ name, namespace = '' }: CacheName): string {
  return rootTopicOf(createGenerationKeys(namespace, name).rootKey)
}

function rootPlace(topic: string, record: string): Place {
  const version = (body: string, latest: number): number => {
    const root = parseRoot(body, record, latest)
    return root === undefined ? 0 : numberOfRoot(root)
  }
  return { topic, record, key: record, version }
}

function tagPlace(topic: string, record: string): Place {
  const version = (body: string, latest: number): number => {
    const generation = parseGeneration(body, record, latest)
    return generation === undefined ? 0 : numberOf(generation)
  }
  return { topic, record, key: record, version }
}

async function readAll(
  store: Store,
  records: readonly string[],
  how: ReadOptions,
): Promise<ReadonlyMap<string, Pick<Seen, 'image' | 'time'>>> {
  if (records.length > 1 && store.readMany !== undefined) return store.readMany(records, how)
  return new Map(await Promise.all(records.map(async (record) => [record, await store.read(record, how)] as const)))
}

/** The version in a record: of its value, or of the whole of it. 0 for one that is sealed or none of ours. */
function versionIn(body: string): number {
  const fields = asFields(parseJson(body))
  return asTime(asFields(fields?.['value'])?.['version']) ?? asTime(fields?.['version']) ?? 0
}

/**
 * A topic with more keys than a frame has room for is told as a whole, and its listener reads it again: first those with more than
 * 200 keys, then, while the answer is too long, the one with the most.
 */
function fold(versions: readonly LiveVersion[]): readonly LiveVersion[] {
  const topics = Map.groupBy(versions, ({ topic }) => topic)
  const whole = (topic: string, all: readonly LiveVersion[]) =>
    topics.set(topic, [{ topic, version: Math.max(...all.map(({ version }) => version)) }])
  for (const [topic, all] of topics) if (all.length > MAX_KEYS) whole(topic, all)
  const lengthOf = (all: readonly LiveVersion[] = []): number => JSON.stringify(all).length
  let length = lengthOf([...topics.values()].flat())
  for (const [topic, all] of [...topics].sort(([, one], [, other]) => other.length - one.length)) {
    if (all.length === 1 || length <= MAX_ANSWER) break
    whole(topic, all)
    length -= lengthOf(all) - lengthOf(topics.get(topic))
  }
  return [...topics.values()].flat()
}
