// Runs one `get` in a process of its own, and prints which functions of this project it entered, as JSON.
// Arguments: DynamoDB's URL, the token endpoint, the folder of the file tier, which `get` is measured.
import { Session } from 'node:inspector/promises'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { clientCredentials } from '@warmtoken/core/oauth2'

/** What one `get` entered. */
export interface Entered {
  /** Where the token came from. */
  readonly tier: string
  /** Names of the functions that ran, by file. */
  readonly functions: { readonly [file: string]: readonly string[] }
}

const OURS = /\/packages\/[a-z-]+\/src\/.*\.ts$/

const [endpoint = '', tokenEndpoint = '', directory = '', times = '1'] = process.argv.slice(2)
const tokens = createTokens({ store: dynamoDBStore({ table: 'tokens', region: 'us-east-1', endpoint }), directory })
const crm = tokens.use(
  clientCredentials({ tokenEndpoint, clientId: 'crm', clientSecret: 'only-here', allowInsecure: true }),
)
for (let before = 1; before < Number(times); before += 1) await crm.get()

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
const { tier } = await crm.get()
const { result } = await session.post('Profiler.takePreciseCoverage')
const functions: { [file: string]: string[] } = {}
for (const { url, functions: all } of result) {
  if (!OURS.test(url)) continue
  // The first is the module itself: to be loaded is not to be entered.
  const ran = all.filter(({ ranges: [range] }) => range !== undefined && range.startOffset > 0 && range.count > 0)
  if (ran.length > 0)
    functions[url.slice(url.indexOf('/packages/') + 10)] = ran.map(({ functionName }) => functionName || '(arrow)')
}
session.disconnect()
process.stdout.write(JSON.stringify({ tier, functions } satisfies Entered))
