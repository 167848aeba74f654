import './source-condition.ts'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { type Endings, watchEndings } from './endings.ts'
import { freePort } from './free-port.ts'
import type { LivePlace, LiveStack } from './live-stack.ts'
import type { Stack } from './local-stack.ts'
import type { PostsStack } from './posts-stack.ts'
import { makeRunFolder } from './run-folder.ts'
import type { FunctionDefinition, Plugin, PluginUtils, Serverless } from './serverless.ts'

interface Run {
  readonly stack: Stack
  readonly live: LiveStack | undefined
  readonly posts: PostsStack | undefined
  readonly endings: Endings
  readonly http: string
}

/**
 * Serverless plugin, listed before serverless-offline: starts all that the functions talk to, points them at it, and
 * stops it with the command. Nothing is written outside a temporary folder, which goes with it.
 */
export default function OfflinePlugin(
  serverless: Serverless,
  options: Record<string, unknown>,
  { log }: PluginUtils,
): Plugin {
  let run: Run | undefined

  const start = async (): Promise<void> => {
    const endings = watchEndings()
    const folder = makeRunFolder()
    addLocalFunctions(serverless)
    const [{ startStack }] = await Promise.all([
      import('./local-stack.ts'),
      buildInto(join(folder, 'code'), serverless),
    ])
    const [stack, ports] = await Promise.all([startStack(), choosePorts(serverless, options)])
    const { service } = serverless
    const posts = await startPosts(serverless)
    const environment = { ...stack.environment, TOKEN_DIRECTORY: join(folder, 'tmp') }
    const live = await startLive(serverless, { code: join(folder, 'code'), environment, ...ports })
    for (const definition of Object.values(service.functions)) {
      delete definition.package
      // What a function has of its own would hide the address of the local server.
      for (const name of Object.keys(live?.environment ?? {})) delete definition.environment?.[name]
      // A function that names the table of posts gets the database of posts, and no other function does.
      if (isForPosts(definition)) definition.environment = { ...definition.environment, ...posts?.environment }
    }
    service.provider.environment = {
      ...service.provider.environment,
      ...environment,
      ...live?.environment,
      ...(isForPosts(service.provider) && posts?.environment),
    }
    service.custom = {
      ...service.custom,
      'serverless-offline': {
        ...offlineOptions(serverless),
        ...ports,
        host: '127.0.0.1',
        location: relative(serverless.serviceDir, join(folder, 'code')),
      },
    }
    run = { stack, live, posts, endings, http: `http://127.0.0.1:${options['httpPort'] ?? ports.httpPort}` }
  }
  let closeStack: (() => Promise<void>) | undefined
  // Before the framework resolves the function's variables, which would need an account.
  const startForInvokeLocal = async (): Promise<void> => {
    if (serverless.processedInput?.commands.join(' ') !== 'invoke local') return
    const { provider } = serverless.service
    // A deployment's settings were given: the function is to use those.
    if (provider.environment?.['ISSUER']) return
    const folder = makeRunFolder()
    const [{ startStack }] = await Promise.all([
      import('./local-stack.ts'),
      buildInto(join(folder, 'code'), serverless),
    ])
    const { environment, close } = await startStack()
    // Where the framework looks for the handler, below the service's folder.
    options['extraServicePath'] = relative(serverless.serviceDir, join(folder, 'code'))
    closeStack = close
    provider.environment = { ...provider.environment, ...environment, TOKEN_DIRECTORY: join(folder, 'tmp') }
  }
  const announce = (): void => {
    if (run) log.notice(announcement(run))
  }

  return {
    hooks: {
      initialize: startForInvokeLocal,
      // The framework calls one of these when a command has ended, or failed.
      finalize: () => closeStack?.(),
      error: () => closeStack?.(),
      'before:offline:start:init': start,
      'after:offline:start:init': announce,
      'before:offline:start:ready': () => run?.endings.handOver(),
      'before:offline:start:end': async () => {
        await run?.live?.close()
        await run?.posts?.close()
        await run?.stack.close()
      },
      // `serverless offline` without `start` is one step, which ends the process itself.
      'before:offline:start': async () => {
        await start()
        announce()
      },
    },
  }
}

/** Functions that are served on this machine, and are not a part of the deployed service: `custom.localFunctions`. */
function addLocalFunctions({ service }: Serverless): void {
  const local = service.custom?.['localFunctions'] as Readonly<Record<string, FunctionDefinition>> | undefined
  for (const [key, definition] of Object.entries(local ?? {}))
    service.functions[key] = { ...definition, name: `${String(service.service)}-local-${key}` }
}

/** Bundles all functions into a folder; they run from there, and not from the artifacts of `serverless package`. */
async function buildInto(folder: string, { serviceDir, service }: Serverless): Promise<void> {
  const { bundle, entryOf } = await import('./bundle.ts')
  const functions = Object.values(service.functions)
  const { files } = await bundle(serviceDir, [...new Set(functions.map(({ handler }) => entryOf(handler)))])
  for (const [name, contents] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), contents)
  }
}

async function choosePorts(serverless: Serverless, chosen: Readonly<Record<string, unknown>>) {
  const { httpPort = 3000, lambdaPort = 3002, websocketPort = 3001 } = { ...offlineOptions(serverless), ...chosen }
  return {
    httpPort: await freePort(Number(httpPort)),
    lambdaPort: await freePort(Number(lambdaPort)),
    websocketPort: await freePort(Number(websocketPort)),
  }
}

/** What live events need, for a service that has them. */
async function startLive({ service }: Serverless, place: Omit<LivePlace, 'nameOf'>): Promise<LiveStack | undefined> {
  if (service.provider.environment?.['SUBSCRIBER_TABLE'] === undefined) return undefined
  const { startLiveStack } = await import('./live-stack.ts')
  return startLiveStack({ ...place, nameOf: (key) => service.functions[key]?.name ?? key })
}

function isForPosts({ environment }: Pick<FunctionDefinition, 'environment'>): boolean {
  return environment?.['POST_TABLE'] !== undefined
}

/** What the posts need, for a service that has them, or functions that do. */
async function startPosts({ service }: Serverless): Promise<PostsStack | undefined> {
  if (![service.provider, ...Object.values(service.functions)].some(isForPosts)) return undefined
  const { startPostsStack } = await import('./posts-stack.ts')
  return startPostsStack()
}

function offlineOptions({ service }: Serverless): Readonly<Record<string, unknown>> {
  const options = service.custom?.['serverless-offline']
  return typeof options === 'object' ? { ...options } : {}
}

function announcement(run: Run): string {
  return `\nwarmtoken runs here; Ctrl+C ends all of it\n${linesOf(run)}`
}

function linesOf({ stack, live, posts, http }: Run): string {
  const indented = (lines: readonly string[] = []): string => lines.map((line) => `  ${line}\n`).join('')
  if (live !== undefined) return indented(live.lines)
  const commands = indented(posts?.commands(http))
  return `  functions        ${http}
  console          ${http}/admin/
  issuer           ${stack.issuer}
  protected API    ${stack.api}
  DynamoDB         ${stack.dynamoDB}
  Secrets Manager  ${stack.secretsManager}${posts === undefined ? '' : `\n  posts in         ${posts.place}`}

Try, in another terminal:
  # the answer names the tier that had the token
  curl ${http}/contacts
  # a slow list: the first call takes a second, the next ones come from memory or the table
  curl ${http}/leaderboard
  # token requests so far: one, however often you call
  curl ${stack.issuer}/_count
  # the API revokes that token; the next call replaces it: \`_count\` is then one more, and the call after shows a new \`age\`
  curl -X POST ${stack.api}/_refuse
${posts === undefined ? '' : '  # sign up, sign in, post something, and see it in the list\n'}${commands}`
}
