import type { Store } from '../contracts.ts'
import { StoreError } from '../errors.ts'
import { checkOptions, durationRule, functionRule, shaped } from '../lib/options.ts'
import { asFields, asTime, parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import type { LiveVersion } from './event.ts'

/** The most versions that one topic may have; of more, only the highest is told. */
const MAX_KEYS = 200

/** How {@link createVersions} is set up. */
export interface VersionsOptions {
  /** The store of tokens, values and sessions. */
  readonly store: Store
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

const RULES = { store: shaped('read', 'swap'), of: functionRule, timeout: durationRule }

/** Reads versions: those of `key:` and `user:` topics from their records, all others from `of`. */
export function createVersions(options: VersionsOptions): Versions {
  const { store, of, timeout = 2_000 } = checkOptions('createVersions', options, RULES, ['store'])

  const fromRecords = async (topics: readonly string[], signal: AbortSignal): Promise<readonly LiveVersion[]> => {
    const keys = topics.map(recordOf)
    const how = { signal, consistent: true }
    const many = keys.length > 1 ? await store.readMany?.(keys, how) : undefined
    return Promise.all(
      topics.map(async (topic, index) => {
        const key = keys[index] ?? ''
        const { image } = many?.get(key) ?? (await store.read(key, how))
        const version = image === undefined ? 0 : versionIn(image.body)
        return topic.startsWith('key:') ? { topic, key, version } : { topic, version }
      }),
    )
  }

  return async (topics) => {
    await store.open?.()
    const own = topics.filter((topic) => !/^(key|user):/.test(topic))
    const timed = await withDeadline(systemRuntime, { ms: timeout, patient: true }, async (signal) =>
      Promise.all([
        fromRecords(
          topics.filter((topic) => !own.includes(topic)),
          signal,
        ),
        own.length > 0 ? (of?.(own, signal) ?? []) : [],
      ]),
    )
    if (timed.outcome !== 'done')
      throw new StoreError(`the versions of ${topics.length} topics could not be read`, {
        key: topics[0] ?? '',
        retryable: true,
        ...(timed.outcome === 'failed' && { cause: timed.cause }),
      })
    const [recorded, others] = timed.value
    return [...recorded, ...fold(others.filter(({ topic }) => own.includes(topic)))]
  }
}

function recordOf(topic: string): string {
  return topic.startsWith('key:') ? topic.slice(4) : `session~${topic.slice(5)}`
}

/** The version in a record: of its value, or of the whole of it. 0 for one that is sealed or none of ours. */
function versionIn(body: string): number {
  const fields = asFields(parseJson(body))
  return asTime(asFields(fields?.['value'])?.['version']) ?? asTime(fields?.['version']) ?? 0
}

/** A topic with more keys than a frame has room for is told as a whole: its listener reads it again. */
function fold(versions: readonly LiveVersion[]): readonly LiveVersion[] {
  const topics = Map.groupBy(versions, ({ topic }) => topic)
  return [...topics].flatMap(([topic, all]) =>
    all.length <= MAX_KEYS ? all : [{ topic, version: Math.max(...all.map(({ version }) => version)) }],
  )
}
