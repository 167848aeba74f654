// Loads a bundle, and calls its `main` if it has one, in a process as Lambda has it. Bundled itself, so that nothing else of
// Node is loaded.

/** In ms. Not `performance.now`: the first look at that global loads eleven modules of Node, which a bundle may need too. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** What the runtime client of Lambda has loaded before it calls a handler. */
const AS_IN_LAMBDA = ['http', 'fs', 'path', 'util', 'async_hooks', 'stream'] as const

if (process.env['BENCH_PROCESS'] !== 'bare') for (const name of AS_IN_LAMBDA) process.getBuiltinModule(name)

const start = { cpu: process.cpuUsage(), memory: process.memoryUsage.rss(), at: now() }
const bundle = (await import(process.argv[2] ?? '')) as { readonly main?: () => Promise<string> }
const loaded = now() - start.at
const token = await bundle.main?.()
const first = now() - start.at
const { user, system } = process.cpuUsage(start.cpu)
const memory = process.memoryUsage.rss() - start.memory
if (token !== undefined && !token.startsWith('token-of-this-benchmark')) throw new Error('there was no token')
process.stdout.write(
  `${JSON.stringify({ load: loaded, first, cpu: (user + system) / 1_000, memory: memory / 1024 })}\n`,
)
process.exit(0)
