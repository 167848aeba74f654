import type { Image, Runtime, Store } from '../contracts.ts'
import { makeKey } from '../lib/key.ts'
import { asFields, asText, parseJson } from '../lib/parse.ts'
import { withDeadline } from '../lib/timing.ts'

/** How long a mark is kept, in ms: longer than Lambda repeats a batch (records live 60 s in `serverless.live.yml`). */
const KEEP = 15 * 60_000
/** How long one request for a mark may take, in ms. Without its mark a batch is repeated, which costs money and loses nothing. */
const TIMEOUT = 500
/** The most records beyond the first failed one that a mark lists. */
const MAX_BEYOND = 1_000
const SCHEMA = 1

/** How far a batch was published. */
export interface Progress {
  /** The sequence number of the last record up to which everything was published; `undefined` when nothing was. */
  readonly through: string | undefined
  /** Sequence numbers beyond it that were published as well. */
  readonly beyond: readonly string[]
}

/** What the marks are kept in. */
export interface StreamMarksOptions {
  readonly store: Store
  readonly namespace: string
  readonly runtime: Runtime
}

/** The mark of one batch: where its publishing goes on after the function was killed. */
export interface StreamMark {
  readonly progress: Progress
  /** Never rejects: what is not written is published once more. */
  write(progress: Progress): Promise<void>
}

/**
 * Opens the mark of the batch that begins with a record. Lambda repeats a batch from its first record, or from the one that
 * the function reported, so that record names the mark. Never rejects.
 */
export async function openMark(
  options: StreamMarksOptions,
  first: readonly [stream: string, sequence: string],
): Promise<StreamMark> {
  const { store, namespace, runtime } = options
  const key = makeKey('live', namespace, ['stream', ...first])
  const within = <T>(call: (signal: AbortSignal) => Promise<T>) =>
    withDeadline(runtime, { ms: TIMEOUT, patient: true }, call)

  const seen = await within(async (signal) => {
    await store.open?.()
    return store.read(key, { signal, consistent: true })
  })
  let image: Image | undefined = seen.outcome === 'done' ? seen.value.image : undefined
  return {
    progress: parse(image),
    async write({ through, beyond }) {
      const body = JSON.stringify({ schema: SCHEMA, through, beyond })
      const swap = { expected: image, body, tag: runtime.unique(), keepUntil: runtime.wall() + KEEP }
      const swapped = await within((signal) => store.swap(key, swap, { signal }))
      if (swapped.outcome !== 'done') return
      if (swapped.value.outcome === 'swapped') image = swapped.value.image
      // An invocation that was given up still runs. Its mark is as true as this one.
      if (swapped.value.outcome === 'conflict') image = swapped.value.seen.image
    },
  }
}

function parse(image: Image | undefined): Progress {
  const fields = image && asFields(parseJson(image.body))
  const listed = fields?.['schema'] === SCHEMA && Array.isArray(fields['beyond']) ? (fields['beyond'] as unknown[]) : []
  return {
    through: fields?.['schema'] === SCHEMA ? asText(fields['through'], 64) : undefined,
    beyond: listed.slice(0, MAX_BEYOND).flatMap((one) => asText(one, 64) ?? []),
  }
}
