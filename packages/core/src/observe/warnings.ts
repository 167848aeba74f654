import type { WarmEvent } from '../events.ts'

/** Codes of a store that needs operator action. */
const PERMANENT: readonly string[] = ['STORE_DENIED', 'STORE_MISSING', 'STORE_REFUSED', 'STORE_UNSAFE']
const SILENCE = 'Pass "onEvent" to handle this yourself, or set NODE_OPTIONS=--disable-warning=WarmTokenWarning'

/** Warnings that this process has printed. */
const printed = new Set<string>()
let lastStoreCode = 'STORE_UNAVAILABLE'

/**
 * Warns of what must not go unnoticed when nobody listens to events: once for each kind in this process. The warning is
 * one of Node's own (`process.emitWarning`), so Node's options and a listener for `warning` work on it. Holds no secret.
 */
export function warnUnheard(event: WarmEvent): void {
  if (event.type === 'suspicious-duration')
    warn('WARMTOKEN_DURATION', `"${event.option}" of ${nameOf(event)} is ${event.ms} ms. Are these seconds?`)
  if (event.type === 'store-error') lastStoreCode = event.code
  const isAlone = event.type === 'fetch' && event.alone
  if (isAlone || (event.type === 'store-error' && PERMANENT.includes(event.code)))
    warn(
      'WARMTOKEN_STORE',
      `the store cannot be used (${lastStoreCode}, ${nameOf(event)}), so this environment shares no values with others`,
    )
}

function nameOf({ name, key }: { readonly name?: string; readonly key: string }): string {
  return name ?? key
}

function warn(code: string, what: string): void {
  if (printed.has(code)) return
  printed.add(code)
  process.emitWarning(`${what}. ${SILENCE}`, { type: 'WarmTokenWarning', code })
}
