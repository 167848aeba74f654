#!/usr/bin/env node
import { parseCommandLine } from './cli/parse-command-line.ts'
import { UsageError } from './cli/usage-error.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

async function main(): Promise<void> {
  const { DYNOXIDE_BIN } = process.env
  const invocation = parseCommandLine(process.argv.slice(2), { DYNOXIDE_BIN })
  if (invocation.kind === 'help') {
    console.log(invocation.text)
    return
  }
  // Listen for Ctrl-C first: a server that is still starting must be closed as well.
  const asked = Promise.withResolvers<void>()
  for (const signal of SIGNALS) process.once(signal, () => asked.resolve())
  const { server, usage } = await invocation.start()
  console.log([`${invocation.name} listens at ${server.url}`, ...usage, 'Ctrl-C ends it.'].join('\n'))
  await asked.promise
  await server.close()
}

main().catch((error: unknown) => {
  const usage = error instanceof UsageError
  const message = error instanceof Error ? error.message : String(error)
  console.error(`warmtoken-local: ${message}${usage ? '\nTry warmtoken-local --help' : ''}`)
  process.exitCode = usage ? 2 : 1
})
