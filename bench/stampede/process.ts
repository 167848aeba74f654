// One process of the fleet: asks when it is told, by the way that it is told. Argument: the wiring as JSON.
import { setTimeout as sleep } from 'node:timers/promises'
import { fleetVariants } from './variants.ts'
import type { Answer, Opened, Order, Wiring } from './wiring.ts'

const wiring = JSON.parse(process.argv[2] ?? '{}') as Wiring
let opened: Opened | undefined
let wanted = ''

function answer(message: Answer): void {
  void process.send?.(message)
}
function textOf(error: unknown): string {
  return String(error).slice(0, 300)
}

async function prepare(name: string, key: string): Promise<void> {
  const variant = fleetVariants.find((one) => one.name === name)
  if (variant === undefined) throw new TypeError(`no variant "${name}"`)
  await opened?.close?.()
  opened = await variant.open(wiring)
  wanted = key
}

async function go(at: number): Promise<string> {
  await sleep(Math.max(0, at - Date.now()))
  const token = await opened?.get(wanted)
  if (token === undefined) throw new Error('there was no token')
  return token
}

process.on('message', (order: Order) => {
  if (order.type === 'prepare') {
    prepare(order.variant, order.key).then(
      () => answer({ type: 'ready' }),
      (error: unknown) => answer({ type: 'ready', error: textOf(error) }),
    )
    return
  }
  go(order.at).then(
    (token) => answer({ type: 'done', ended: Date.now(), token }),
    (error: unknown) => answer({ type: 'done', ended: Date.now(), error: textOf(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
