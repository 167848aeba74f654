/** `console`: the page of the admin function, served on this machine over a store or over a deployed admin function. @module */

import type { Context } from '../context.ts'
import { EXIT, OperatorError } from '../exit.ts'
import { openPlace, type PlaceOptions } from '../place.ts'
import { operatorOf } from '../records.ts'
import { type Answering, serveLocally } from '../serve.ts'

/** Options of `console`. */
export interface ConsoleOptions extends PlaceOptions {
  readonly port: number
  readonly control?: true | undefined
  readonly cache: readonly string[]
  readonly url?: string | undefined
}

/** Serves the page until it is stopped. */
export async function serveConsole(context: Context, options: ConsoleOptions): Promise<void> {
  const { terminal, signal } = context
  const answer =
    options.url === undefined ? await overStore(context, options) : await overFunction(options.url, options)
  const { url, closed } = await serveLocally(answer, options.port, signal)
  terminal.line({ url }, `The console is at ${url} (Ctrl-C ends it)`)
  await closed
}

async function overStore(context: Context, options: ConsoleOptions): Promise<Answering> {
  const place = await openPlace(options, context)
  const [{ createAdmin }, { page }] = await Promise.all([import('@warmtoken/core/admin'), import('@warmtoken/console')])
  return createAdmin({
    store: place.store,
    inventory: place.inventory,
    caches: options.cache.map((name) => ({ name })),
    page,
    control: options.control === true,
    access: 'loopback',
    operator: operatorOf(undefined).name,
  })
}

/** A deployed admin function decides itself what it takes; requests go to it with your signature. */
async function overFunction(address: string, options: ConsoleOptions): Promise<Answering> {
  const { url: _url, region, port: _port, cache, ...others } = options
  const wrong = Object.entries(others).find(([, value]) => value !== undefined)?.[0]
  if (wrong !== undefined || cache.length > 0)
    throw new OperatorError(
      `--url cannot be combined with --${wrong ?? 'cache'}: the deployed function decides`,
      EXIT.usage,
    )
  return (await import('../signed.ts')).forwardSigned(address, region)
}
