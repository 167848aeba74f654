/** The largest body of a `Request` that is copied so that it can be sent again, in bytes. */
const MAX_COPY = 256 * 1024
/** How long a copy may take, in ms: a body that is still being produced then is sent as it comes, and only once. */
const COPY_TIME = 100

/** What is sent, and whether it can be sent a second time. */
export interface Replayable {
  readonly init: RequestInit | undefined
  readonly replayable: boolean
}

/**
 * Resolves to the request in a form that can be sent again where that is possible. The body of a `Request` is a stream that
 * is gone once it was read, so a small one is copied before the first sending.
 */
export async function makeReplayable(
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Replayable> {
  const own = init?.body ?? null
  if (own !== null) return { init, replayable: isReplayable(own) }
  if (!(input instanceof Request) || input.body === null) return { init, replayable: true }
  const body = await copyBody(input)
  return body === undefined ? { init, replayable: false } : { init: { ...init, body }, replayable: true }
}

/** Whether a body can be sent a second time. Streams and iterables are gone once they were read. */
function isReplayable(body: unknown): boolean {
  return (
    typeof body === 'string' ||
    body instanceof URLSearchParams ||
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  )
}

/** The body of a request, `undefined` when it is too large or too slow. The request itself can be sent anyway. */
async function copyBody(request: Request): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (request.bodyUsed) return undefined
  const reader = request.clone().body?.getReader()
  if (reader === undefined) return undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, COPY_TIME, undefined)
  })
  const chunks: Uint8Array[] = []
  try {
    for (let size = 0; size <= MAX_COPY; ) {
      const next = await Promise.race([reader.read(), late])
      if (next === undefined) break
      if (next.done) return Uint8Array.from(Buffer.concat(chunks))
      chunks.push(next.value)
      size += next.value.byteLength
    }
  } catch {
    // Sending it will fail the same way, with the caller's own error.
  } finally {
    clearTimeout(timer)
  }
  reader.cancel().catch(() => {})
  return undefined
}
