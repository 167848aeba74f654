// Runs the bundled handler in a process of its own and says what it loaded. Arguments: the bundle, how often to call.
import { registerHooks } from 'node:module'

const [bundle = '', calls = '1'] = process.argv.slice(2)
const loaded: string[] = []
registerHooks({
  load(url, context, next) {
    loaded.push(url)
    return next(url, context)
  },
})
const atStart = new Set((process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList)
const { handler } = (await import(bundle)) as { handler: (event: unknown, context: unknown) => Promise<string> }
const tiers: string[] = []
function context() {
  return { getRemainingTimeInMillis: () => 10_000 }
}
for (let call = 0; call < Number(calls); call += 1) tiers.push(await handler({}, context()))
const builtins = (process as unknown as { moduleLoadList: readonly string[] }).moduleLoadList
  .filter((name) => !atStart.has(name))
  .map((name) => name.replace(/^(NativeModule|Internal Binding) /, ''))
process.stdout.write(JSON.stringify({ tiers, loaded, builtins }))
