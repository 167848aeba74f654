// One execution environment of an artifact: loads the handler that its configuration names and calls it when told to.
// Arguments: the module, the name of the handler.
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'

const [path = '', name = ''] = process.argv.slice(2)
const loading = import(pathToFileURL(path).href)

/** What a caller of Lambda sees of an error, and the stable code beside it. */
function tell(error: unknown): object {
  if (!(error instanceof Error)) return { name: 'unknown', message: 'not an Error', code: '' }
  return { name: error.name, message: error.message, code: 'code' in error ? String(error.code) : '' }
}

process.on('message', async ({ event, remaining }: { event: unknown; remaining: number }) => {
  const until = performance.now() + remaining
  const context = {
    functionName: process.env['AWS_LAMBDA_FUNCTION_NAME'],
    getRemainingTimeInMillis: () => until - performance.now(),
  }
  try {
    const handler: unknown = (await loading)[name]
    if (typeof handler !== 'function') throw new Error(`${path} exports no function ${name}`)
    process.send?.({ result: (await handler(event, context)) ?? null })
  } catch (error) {
    process.send?.({ error: tell(error) })
  }
})
// What is wrong with the module is reported by the first call, as Lambda does.
await loading.catch(() => undefined)
process.send?.('ready')
await once(process, 'disconnect')
process.exit()
