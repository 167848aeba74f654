/** Answers of the admin function, in the form that HTTP APIs and function URLs take. @module */

import { builtin } from '../lib/builtin.ts'
import type { ErrorAnswer } from './types.ts'

/** An answer. */
export interface AdminAnswer {
  readonly statusCode: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
  readonly isBase64Encoded?: boolean
}

/** A file of the page: its text and its content type. */
export interface PageFile {
  readonly type: string
  readonly text: string
}

/** The files of the page by name. `index.html` is the page itself; the names of the others change with their text. */
export type PageFiles = { readonly [name: string]: PageFile }

/** From this length on an answer is compressed, in characters. */
const COMPRESS_FROM = 1_024

/** No script and no style but from here, nobody frames it, and it talks to nobody else. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const COMMON = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** JSON, compressed where the client takes that and it is worth it. */
export function json(statusCode: number, body: object, encodings: string = ''): AdminAnswer {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return compressed({ statusCode, headers: { ...COMMON, ...headers }, body: JSON.stringify(body) }, encodings)
}

/** Why a request is refused. */
export function refusal(statusCode: number, error: string, message: string): AdminAnswer {
  return json(statusCode, { error, message } satisfies ErrorAnswer)
}

/** The page itself. `folder`: where its files are, as a path; left out, they lie beside it. */
export function pageAnswer({ type, text }: PageFile, folder: string, encodings: string): AdminAnswer {
  const headers = { ...COMMON, 'content-type': type, 'cache-control': 'no-cache' }
  // A gateway may drop the slash at the end, and then nothing lies beside the page.
  const body = folder === '' ? text : text.replaceAll('"./', `"${folder}/`)
  return compressed({ statusCode: 200, headers, body }, encodings)
}

/** A file of the page. */
export function fileAnswer({ type, text }: PageFile, encodings: string): AdminAnswer {
  const headers = { ...COMMON, 'content-type': type, 'cache-control': 'private, max-age=31536000, immutable' }
  return compressed({ statusCode: 200, headers, body: text }, encodings)
}

/** Gateways do not compress what a function answers. */
function compressed(answer: AdminAnswer, encodings: string): AdminAnswer {
  if (answer.body.length < COMPRESS_FROM || !/\bgzip\b/.test(encodings)) return answer
  return {
    statusCode: answer.statusCode,
    headers: { ...answer.headers, 'content-encoding': 'gzip', vary: 'accept-encoding' },
    body: builtin('zlib').gzipSync(answer.body).toString('base64'),
    isBase64Encoded: true,
  }
}
