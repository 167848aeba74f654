// Loaded before the runtime, in its process and in each of its worker threads. Nothing else of the runtime is changed.
import { registerHooks } from 'node:module'
import { makeClockMovable, moveClock } from './clock.ts'

const shift = process.env['WARMTOKEN_LAB_CLOCK']
if (shift !== undefined) {
  makeClockMovable()
  moveClock(Number(shift))
}

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './rapid-client.node'
      ? { url: new URL('./native-client.js', import.meta.url).href, shortCircuit: true }
      : next(specifier, context),
})
