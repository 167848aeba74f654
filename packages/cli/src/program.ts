import { readFileSync } from 'node:fs'
import { Command } from '@commander-js/extra-typings'
import { number, parseCache, parseKind, parseText, wholeNumber } from './arguments.ts'
import type { Context } from './context.ts'

/** How many records `list` shows unless told otherwise. */
const DEFAULT_LIMIT = 1_000

const KIND = ['--kind <name>', 'only keys whose first part is this, such as oauth2 or project', parseKind] as const
const REASON = ['--reason <text>', 'why; the record keeps it beside your user name', parseText] as const

/**
 * The command line of `warmtoken`. The module of a command loads when the command runs, so that `--help` is quick. It throws
 * `CommanderError` instead of ending the process: with exit code 0 for help, with a message that names the argument for
 * bad usage.
 */
export function createProgram(context: Context): Command {
  const program = new Command('warmtoken')
    .description('Checks a set-up, shows the records of a fleet, and steers them.')
    .version(version())
    .option('--json', 'print one JSON object on standard output')
    .exitOverride()
    // The caller prints errors, once and with the name of the program.
    .configureOutput({ outputError: () => {} })
  program.addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 doctor found something, 4 not permitted.',
  )
  program.hook('preAction', () => {
    if (program.opts().json === true) context.terminal.useJson()
  })
  const root = program as unknown as Command
  addProjectCommands(root, context)
  addReadingCommands(root, context)
  addWritingCommands(root, context)
  addRotateKey(root, context)
  return root
}

/** Adds a command with the options that name a store. */
function addPlaced(program: Command, name: string, description: string) {
  return program
    .command(name)
    .description(description)
    .option('--table <name>', 'the DynamoDB table', parseText)
    .option('--bucket <name>', 'the S3 bucket', parseText)
    .option(
      '--upstash <url>',
      'the REST URL of the Upstash database; UPSTASH_REDIS_REST_TOKEN holds its token',
      parseText,
    )
    .option('--redis <url>', 'the address of a Redis or Valkey; REDIS_PASSWORD holds its password', parseText)
    .option('--function <name>', 'the store that the variables of a deployed function name', parseText)
    .option('--stage <name>', 'the stage of a function that is named as in serverless.yml', parseText)
    .option('--prefix <text>', 'what keys begin with in a bucket or database; default that of the store')
    .option('--region <name>', 'the AWS region; default the one that the AWS SDK finds', parseText)
    .option('--endpoint <url>', 'the address of a local server', parseText)
}

function addReadingCommands(program: Command, context: Context): void {
  addPlaced(program, 'list', 'lists the records: state, remaining lifetime, fingerprint')
    .option(...KIND)
    .option('--limit <n>', 'how many records at most', wholeNumber(1, 100_000), DEFAULT_LIMIT)
    .action(async (options) => (await import('./commands/list.ts')).list(context, options))
  addPlaced(program, 'inspect', 'shows one record: state, version, instants, lease, last refreshes; never a value')
    .argument('<key>')
    .action(async (key, options) => (await import('./commands/inspect.ts')).inspect(context, key, options))
  addPlaced(program, 'watch', 'prints changes of records as they come; with --json one object a line')
    .option(...KIND)
    .option('--interval <seconds>', 'how often to look', number(0.1, 3_600), 2)
    .option('--count <n>', 'how many times to look; default: until Ctrl-C', wholeNumber(1, 1_000_000))
    .action(async (options) => (await import('./commands/watch.ts')).watch(context, options))
  addPlaced(program, 'console', 'serves a page about the fleet on this machine; read-only unless --control is given')
    .option('--url <address>', 'a deployed admin function in place of a store, asked with your credentials', parseText)
    .option('--cache <name...>', 'caches whose switches and invalidations are shown', parseCache, [])
    .option('--control', 'take actions: refresh, end a cool-down, stop a source, switch a cache')
    .option('--port <n>', 'the port on 127.0.0.1; 0 for any that is free', wholeNumber(0, 65_535), 4_420)
    .action(async (options) => (await import('./commands/console.ts')).serveConsole(context, options))
}

function addWritingCommands(program: Command, context: Context): void {
  addPlaced(program, 'refresh', 'makes values due, and ends a cool-down: the next environment that looks fetches')
    .argument('<keys...>')
    .option(...REASON)
    .action(async (keys, options) => (await import('./commands/steer.ts')).refresh(context, keys, options))
  addPlaced(program, 'reject', 'rejects published values, so that nobody who reads the record serves them')
    .argument('<keys...>')
    .option(...REASON)
    .action(async (keys, options) => (await import('./commands/steer.ts')).reject(context, keys, options))
  addPlaced(program, 'purge', 'empties records')
    .argument('<keys...>')
    .option(...REASON)
    .option('--lose-chain', 'also of sources whose refresh token rotates: someone must sign in again')
    .action(async (keys, options) => (await import('./commands/steer.ts')).purge(context, keys, options))
}

function addRotateKey(program: Command, context: Context): void {
  addPlaced(program, 'rotate-key', 'seals every value again with the current key of a ring; can be repeated')
    .option('--ring <file>', 'JSON file with the key ring: {"current": id, "keys": {id: base64}}', parseText)
    .option('--codec <module>', 'module with a codec as its default export, e.g. aesGcm with kmsKey', parseText)
    .option('--cursor <file>', 'the file that records the progress', parseText, '.warmtoken-rotate-key.json')
    .action(async (options) => (await import('./commands/rotate-key.ts')).rotateKey(context, options))
}

function addProjectCommands(program: Command, context: Context): void {
  program
    .command('init')
    .description('adds the table and the rights to serverless.yml; shows the difference first')
    .option('--service <file>', 'the service file', parseText, 'serverless.yml')
    .option('--yes', 'write without asking')
    .action(async (options) => (await import('./commands/init.ts')).init(context, options))
  program
    .command('plan-cost')
    .description('requests and dollars a month for each placement; asks four questions')
    .option('--invocations <n>', 'invocations a month', number(1, 1e13))
    .option('--environments <n>', 'environments at peak', number(1, 1e6))
    .option('--token-life <seconds>', 'lifetime of a token', number(10, 1e8))
    .option('--issuer-price <dollars>', 'price of 1,000 token requests', number(0, 1e6))
    .option('--environment-life <seconds>', 'how long an environment lives', number(60, 1e6), 7_200)
    .option('--tokens <n>', 'distinct tokens, such as one a tenant', wholeNumber(1, 1e9), 1)
    .option('--burst <seconds>', 'calls come in bursts this far apart; 0: at random', number(0, 1e7), 0)
    .option('--prices <file>', 'prices in place of those of this release', parseText)
    .option('--viewers <n>', 'plan live events for so many viewers in place of tokens', wholeNumber(1, 1e9))
    .option('--viewer-hours <n>', 'hours a month that each is connected', number(0.1, 744), 240)
    .option('--events <n>', 'events a minute that each receives', number(0, 1e4), 1)
    .action(async (options) => (await import('./commands/plan-cost.ts')).planCostCommand(context, options))
  addPlaced(program, 'doctor', 'looks for what is known to go wrong, and prints the fix')
    .option('--service <file>', 'the service file', parseText, 'serverless.yml')
    .action(async (options) => (await import('./commands/doctor.ts')).doctor(context, options))
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : ''
}
