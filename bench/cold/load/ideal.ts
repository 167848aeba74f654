// The least that does the work, written by hand: Middy, a token in memory, in a file, and in a table by signed HTTPS.
import middy from '@middy/core'
import { place, sendByHttps, signedRead, tokenIn } from '../signed.ts'

interface Kept {
  readonly token: string
  readonly until: number
}

const PATH = '/tmp/warmtoken-bench/ideal.json'
let kept: Kept | undefined

function fromFile(): Kept | undefined {
  const fs = process.getBuiltinModule('node:fs')
  return fs.existsSync(PATH) ? (JSON.parse(fs.readFileSync(PATH, 'utf8')) as Kept) : undefined
}

async function get(): Promise<string> {
  kept ??= fromFile()
  if (kept !== undefined && Date.now() < kept.until) return kept.token
  kept = { token: tokenIn(await sendByHttps(signedRead(place()))), until: Date.now() + 60_000 }
  process.getBuiltinModule('node:fs').writeFileSync(PATH, JSON.stringify(kept), { mode: 0o600 })
  return kept.token
}

/** The handler. */
export const handler: unknown = middy()
  .use({
    before: async ({ context }) => {
      Object.assign(context, { crm: await get() })
    },
  })
  .handler(async (_event, context) => Object.keys(context))
