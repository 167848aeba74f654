import { startDynamoDB, startIssuer, startProtectedApi, startSecretsManager } from '@warmtoken/local'
import { type Gate, type Passing, startGate } from './gate.ts'

const CLIENT = { id: 'lab', secret: 'only-for-the-lab' } as const
const TABLE = 'lab'
const SECRET = 'lab/client-secret'

/** How a world is made. */
export interface WorldOptions {
  /** Life of a token in ms, in whole seconds. Default one hour. */
  readonly tokenLifetime?: number
  /** Receives what happens: `issuer: asked`, `issuer: answers`, `api: called`. */
  readonly say: (what: string) => void
}

/** All that the functions talk to, behind gates. */
export interface World {
  /** What the functions need in their environment to find it. */
  readonly environment: Readonly<Record<string, string>>
  readonly gates: { readonly issuer: Gate; readonly api: Gate; readonly table: Gate }
  /** Token requests so far. */
  readonly tokenRequests: number
  /** Requests to the table so far. */
  readonly tableRequests: number
  /** Calls that the API has refused so far. */
  readonly refused: number
  /** Holds the next token request. */
  holdIssuer(): Hold
  /** Holds the next call of the API. */
  holdApi(): Hold
  /** Lets the clock of the table be so many ms ahead. */
  moveClock(ms: number): void
  close(): Promise<void>
}

/** A request that is held. */
export interface Hold {
  /** Resolves when it has come. */
  readonly asked: Promise<void>
  /** Lets it go on. */
  release(): void
  /** Resolves when its answer is on the way back. */
  readonly answered: Promise<void>
}

interface Held {
  come(): void
  readonly gone: Promise<void>
  done(): void
}

/** The requests that are to be held at one gate. */
function createHolds() {
  const coming: Held[] = []
  const answering: Held[] = []
  return {
    hold(): Hold {
      const [asked, gone, answered] = [0, 0, 0].map(() => Promise.withResolvers<void>())
      if (!asked || !gone || !answered) throw new Error('three were made')
      coming.push({ come: asked.resolve, gone: gone.promise, done: answered.resolve })
      return { asked: asked.promise, release: gone.resolve, answered: answered.promise }
    },
    /** A request has come: resolves to whether it was held, when it may go on. */
    async pass(): Promise<boolean> {
      const held = coming.shift()
      if (held === undefined) return false
      held.come()
      await held.gone
      answering.push(held)
      return true
    },
    answered: () => answering.shift()?.done(),
  }
}

/** Starts an issuer, an API that requires its tokens, and a table, each behind a gate. */
export async function startWorld({ tokenLifetime = 3_600_000, say }: WorldOptions): Promise<World> {
  const [issuer, table, secrets] = await Promise.all([
    startIssuer({ clients: [CLIENT], audience: 'urn:warmtoken:lab', tokenLifetime }),
    startDynamoDB({ tables: [TABLE] }),
    startSecretsManager({ secrets: { [SECRET]: CLIENT.secret } }),
  ])
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  const holds = { issuer: createHolds(), api: createHolds() }
  const count = { tokens: 0, table: 0 }
  let ahead = 0

  const onTokenRequest = async (): Promise<void> => {
    count.tokens += 1
    say('issuer: asked')
    if (await holds.issuer.pass()) say('issuer: released')
  }
  const gates: World['gates'] = {
    issuer: await startGate({
      target: issuer.url,
      onRequest: (request) => (isTokenRequest(request) ? onTokenRequest() : undefined),
      onAnswer(request, answer) {
        if (isTokenRequest(request)) holds.issuer.answered()
        // The addresses in its metadata are to lead through the gate as well.
        return { ...answer, body: Buffer.from(answer.body.toString().replaceAll(issuer.url, gates.issuer.url)) }
      },
    }),
    api: await startGate({
      target: api.url,
      async onRequest() {
        await holds.api.pass()
        say('api: called')
      },
      onAnswer(_request, answer) {
        holds.api.answered()
        return answer
      },
    }),
    table: await startGate({
      target: table.url,
      onRequest() {
        count.table += 1
      },
      onAnswer: (_request, { headers, ...rest }) => ({
        ...rest,
        headers: { ...headers, date: new Date(Date.now() + ahead).toUTCString() },
      }),
    }),
  }
  return {
    gates,
    environment: { ...variables(gates), AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url },
    get tokenRequests() {
      return count.tokens
    },
    get tableRequests() {
      return count.table
    },
    get refused() {
      return api.refused
    },
    holdIssuer: holds.issuer.hold,
    holdApi: holds.api.hold,
    moveClock(ms) {
      ahead = ms
    },
    async close() {
      await Promise.all([...Object.values(gates), issuer, table, secrets, api].map((server) => server.close()))
    },
  }
}

function isTokenRequest({ method, path }: Passing): boolean {
  return method === 'POST' && path === '/token'
}

function variables(gates: World['gates']): World['environment'] {
  return {
    ISSUER: gates.issuer.url,
    ALLOW_INSECURE_ISSUER: 'true',
    CLIENT_ID: CLIENT.id,
    CLIENT_SECRET: CLIENT.secret,
    CLIENT_SECRET_ID: SECRET,
    API_URL: gates.api.url,
    TOKEN_TABLE: TABLE,
    AWS_ENDPOINT_URL_DYNAMODB: gates.table.url,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}
