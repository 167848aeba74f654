import type { LocalServer } from '@warmtoken/local'
import { afterEach } from 'vitest'

/** Closes servers, and whatever else a test opened, when the test is over. */
export function closeAfterEach(): <T extends Pick<LocalServer, 'close'>>(one: T) => T {
  const open: Pick<LocalServer, 'close'>[] = []
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close()
  })
  return (one) => {
    open.push(one)
    return one
  }
}

/** What a client of a local server needs. */
interface ClientSettings {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** The settings for a client of this server. */
export function settingsOf({ url }: Pick<LocalServer, 'url'>): ClientSettings {
  return {
    endpoint: url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local-secret' },
  }
}

/** Calls back many times at once. */
export function atOnce<T>(times: number, call: () => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: times }, call))
}

/** What it rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<Error & { code?: string; retryable?: boolean }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not reject with an error')
}
