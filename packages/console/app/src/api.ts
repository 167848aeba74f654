/** Requests to the admin function, which serves this page. @module */

import type { ControlAnswer, ControlRequest, Overview, RecordPage } from '@warmtoken/core/admin'

/** Where the admin function is: the folder above that of this script. While the page is developed, the root. */
const BASE = import.meta.env.DEV ? new URL('/', location.href) : new URL(/* @vite-ignore */ '..', import.meta.url)
/** How long a request may take, in ms. */
const TIMEOUT = 30_000

/** What the admin function answered instead, or why it could not be asked. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** 0: there was no answer. */
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

export function readOverview(): Promise<Overview> {
  return ask('api/overview') as Promise<Overview>
}

export function readRecords(after: string): Promise<RecordPage> {
  return ask(`api/records?${new URLSearchParams({ after })}`) as Promise<RecordPage>
}

export function act(request: ControlRequest): Promise<ControlAnswer> {
  const headers = { 'content-type': 'application/json' }
  return ask('api/control', { method: 'POST', headers, body: JSON.stringify(request) }) as Promise<ControlAnswer>
}

async function ask(path: string, init: RequestInit = {}): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(new URL(path, BASE), { ...init, signal: AbortSignal.timeout(TIMEOUT) })
  } catch {
    throw new ApiError('The admin function does not answer.', 0)
  }
  const body: unknown = await response.json().catch(() => undefined)
  if (response.ok && body !== undefined) return body
  const message = typeof body === 'object' && body !== null && 'message' in body ? String(body.message) : ''
  throw new ApiError(message || `The admin function answered ${response.status}.`, response.status)
}
