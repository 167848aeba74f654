import { startDynamoDB, startIssuer, startProtectedApi } from '@warmtoken/local'

/** The client the local issuer knows; a secret only in the sense that the issuer asks for it. */
const CLIENT = { id: 'contacts', secret: 'only-for-local-runs' } as const
const TABLE = 'warmtoken-local'

/** All that stands for the outside world, on free loopback ports. */
export interface Stack {
  readonly issuer: string
  readonly api: string
  readonly dynamoDB: string
  /** What the functions need in their environment to use it. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Starts the issuer, the API that wants its tokens, and DynamoDB with the token table. */
export async function startStack(): Promise<Stack> {
  const [issuer, dynamoDB] = await Promise.all([
    startIssuer({ clients: [CLIENT], audience: 'urn:warmtoken:contacts' }),
    startDynamoDB({ tables: [TABLE] }),
  ])
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  return {
    issuer: issuer.url,
    api: api.url,
    dynamoDB: dynamoDB.url,
    environment: {
      ISSUER: issuer.url,
      ALLOW_INSECURE_ISSUER: 'true',
      CLIENT_ID: CLIENT.id,
      CLIENT_SECRET: CLIENT.secret,
      API_URL: api.url,
      TOKEN_TABLE: TABLE,
      ...awsEnvironment(dynamoDB.url),
    },
    close: async () => {
      await Promise.all([issuer.close(), api.close(), dynamoDB.close()])
    },
  }
}

/** Points the SDK at the local table, whatever profile, session or instance the machine has. */
const awsEnvironment = (dynamoDB: string): Record<string, string> => ({
  AWS_ENDPOINT_URL_DYNAMODB: dynamoDB,
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_SESSION_TOKEN: '',
  AWS_PROFILE: '',
  AWS_EC2_METADATA_DISABLED: 'true',
})
