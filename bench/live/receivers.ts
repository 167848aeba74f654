import { live } from '@warmtoken/client'

/** A socket got an event. */
export interface Receipt {
  readonly key: string
  /** In ms since 1970, with fractions. */
  readonly at: number
}

/** How many connect at once. */
const AT_ONCE = 10

const [base = '', ws = '', cookie = '', count = '0'] = process.argv.slice(2)

async function ticket(): Promise<string> {
  return (await fetch(`${base}/live/ticket`, { method: 'POST', headers: { cookie } })).text()
}

/** Resolves when the socket is open. */
function connect(): Promise<void> {
  return new Promise((resolve) => {
    const client = live({ ws, ticket, onState: (state) => state === 'open' && resolve() })
    client.subscribe('tag:posts', ({ key = '' }) => {
      const receipt: Receipt = { key, at: performance.timeOrigin + performance.now() }
      process.send?.(receipt)
    })
  })
}

for (let open = 0; open < Number(count); open += AT_ONCE)
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Number(count) - open) }, connect))
process.send?.('open')
