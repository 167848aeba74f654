/**
 * Calls back every `period` ms, and with `true` when the tab comes back to the front or the network is there again. Returns
 * what ends it. It keeps no process of Node alive.
 */
export function watchWaking(period: number, onTick: (isAwake: boolean) => void): () => void {
  const page = globalThis as Partial<Pick<Window, 'addEventListener' | 'removeEventListener'>>
  const wake = (): void => onTick(true)
  const beat = setInterval(() => onTick(false), period)
  // In Node it is an object.
  Object(beat).unref?.()
  page.addEventListener?.('online', wake)
  page.addEventListener?.('visibilitychange', wake, true)
  return () => {
    clearInterval(beat)
    page.removeEventListener?.('online', wake)
    page.removeEventListener?.('visibilitychange', wake, true)
  }
}
