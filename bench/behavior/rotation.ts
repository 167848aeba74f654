import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startDynamoDB } from '@warmtoken/local'
import { startRotatingIssuer } from '@warmtoken/local/issuers'
import { DELAY } from './issuers.ts'
import type { RotationOrders } from './rotation-process.ts'

const PROCESSES = 4
const SCRIPT = fileURLToPath(new URL('./rotation-process.ts', import.meta.url))
/** The columns that have something to rotate. */
const PEERS: readonly string[] = ['warmtoken', 'msal-node', 'google-auth-library'] satisfies RotationOrders['peer'][]

function isPeer(name: string): name is RotationOrders['peer'] {
  return PEERS.includes(name)
}

async function start(orders: RotationOrders): Promise<ChildProcess> {
  const child = fork(SCRIPT, { execArgv: ['--conditions=source'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`a process ended with ${code} before it was ready`)
  })
  gone.catch(() => undefined)
  const ready = once(child, 'message')
  child.send(orders)
  await Promise.race([ready, gone])
  return child
}

/** Ten gets at once in each of four processes: exchanges, and how often a spent refresh token came again. */
export async function rotations(peer: string): Promise<string> {
  if (!isPeer(peer)) return '–'
  // It tolerates a spent refresh token for a while, or the first to come again would end all.
  const issuer = await startRotatingIssuer({ delay: DELAY, reuse: { grace: 60_000 } })
  const table = await startDynamoDB({ tables: ['tokens'] })
  try {
    const refreshToken = issuer.signIn('someone')
    const place = { url: issuer.url, clientId: 'mailer', secret: 'mailer-secret', refreshToken }
    const orders = { peer, place, table: table.url }
    const members = await Promise.all(Array.from({ length: PROCESSES }, () => start(orders)))
    const answers = members.map(async (child) => Number((await once(child, 'message'))[0]))
    for (const child of members) child.send('go')
    const failed = (await Promise.all(answers)).reduce((sum, one) => sum + one, 0)
    return `${issuer.exchanges}, ${issuer.reuses}${failed === 0 ? '' : `, ${failed} errors`}`
  } finally {
    await Promise.all([issuer.close(), table.close()])
  }
}
