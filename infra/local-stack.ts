import { startDynamoDB, startIssuer, startProtectedApi, startSecretsManager } from '@warmtoken/local'

/** The client the local issuer knows; a secret only in the sense that the issuer asks for it. */
const CLIENT = { id: 'contacts', secret: 'only-for-local-runs' } as const
const TABLE = 'warmtoken-local'
const SECRET = 'warmtoken-local/client-secret'

/** All that stands for the outside world, on free loopback ports. */
export interface Stack {
  readonly issuer: string
  readonly api: string
  readonly dynamoDB: string
  readonly secretsManager: string
  /** What the functions need in their environment to use it. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

/** Starts the issuer, the API that requires its tokens, DynamoDB with the token table, and the secret's Secrets Manager. */
export async function startStack(): Promise<Stack> {
  const [issuer, dynamoDB, secretsManager] = await Promise.all([
    startIssuer({ clients: [CLIENT], audience: 'urn:warmtoken:contacts' }),
    startDynamoDB({ tables: [TABLE] }),
    startSecretsManager({ secrets: { [SECRET]: CLIENT.secret } }),
  ])
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  return {
    issuer: issuer.url,
    api: api.url,
    dynamoDB: dynamoDB.url,
    secretsManager: secretsManager.url,
    environment: {
      ISSUER: issuer.url,
      ALLOW_INSECURE_ISSUER: 'true',
      CLIENT_ID: CLIENT.id,
      CLIENT_SECRET_ID: SECRET,
      API_URL: api.url,
      TOKEN_TABLE: TABLE,
      ...AWS,
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDB.url,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
    },
    close: async () => {
      await Promise.all([issuer, api, dynamoDB, secretsManager].map((server) => server.close()))
    },
  }
}

/** Credentials for the local servers, whatever profile, session or instance the machine has. */
const AWS = {
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_SESSION_TOKEN: '',
  AWS_PROFILE: '',
  AWS_EC2_METADATA_DISABLED: 'true',
} as const
