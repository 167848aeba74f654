#!/usr/bin/env node
import { CommanderError } from 'commander'
import { createProgram, type Serve } from './cli/program.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const serve: Serve = async (name, start) => {
  // Listen for Ctrl-C first: a server that is still starting must be closed as well.
  const asked = Promise.withResolvers<void>()
  for (const signal of SIGNALS) process.once(signal, () => asked.resolve())
  const { server, usage } = await start()
  console.log([`${name} listens at ${server.url}`, ...usage, 'Ctrl-C ends it.'].join('\n'))
  await asked.promise
  await server.close()
}

async function main(): Promise<void> {
  const program = createProgram(serve)
  if (process.argv.length <= 2) program.error('Name a server to start, or --help')
  await program.parseAsync()
}

main().catch((error: unknown) => {
  const usage = error instanceof CommanderError
  if (usage && error.exitCode === 0) return
  const message = error instanceof Error ? error.message.replace(/^error: /, '') : String(error)
  console.error(`warmtoken-local: ${message}${usage ? '\nTry warmtoken-local --help' : ''}`)
  process.exitCode = usage ? 2 : 1
})
