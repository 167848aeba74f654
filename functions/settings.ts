/** What a deployment decides, parsed and checked. */
export interface Settings {
  readonly table: string
  readonly issuer: string
  readonly clientId: string
  /** Name or ARN of the secret in Secrets Manager that holds the client's secret. */
  readonly clientSecretId: string
  readonly apiUrl: string
  /** Folder of the file tier; without it the one of the library, below `/tmp`. */
  readonly directory?: string
  /** Lets the issuer speak plain http, as the local one does. */
  readonly allowInsecure: boolean
}

/** What the webhook of a Feishu store app needs besides. */
export interface FeishuSettings {
  readonly appId: string
  readonly verificationToken: string
  readonly encryptKey: string
}

/** What the console needs besides. */
export interface AdminSettings {
  /** `loopback` for local runs: only requests of this machine are taken. */
  readonly access: 'iam' | 'loopback'
  /** Whether it takes actions. */
  readonly control: boolean
  /** The path under which it is reached; left out for the root. */
  readonly basePath?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings from environment variables.
 *
 * @throws Error that names the first variable that is missing or wrong, and never shows a value
 */
export function readSettings(environment: Environment): Settings {
  const directory = environment['TOKEN_DIRECTORY']
  return {
    table: required(environment, 'TOKEN_TABLE'),
    issuer: url(environment, 'ISSUER'),
    clientId: required(environment, 'CLIENT_ID'),
    clientSecretId: required(environment, 'CLIENT_SECRET_ID'),
    apiUrl: url(environment, 'API_URL'),
    ...(directory && { directory }),
    allowInsecure: flag(environment, 'ALLOW_INSECURE_ISSUER'),
  }
}

/**
 * Reads the settings of the console from environment variables. Left out they are the safe ones: IAM and read-only.
 *
 * @throws Error that names the first variable that is wrong
 */
export function readAdminSettings(environment: Environment): AdminSettings {
  const access = environment['ADMIN_ACCESS'] || 'iam'
  if (access !== 'iam' && access !== 'loopback')
    throw new Error('The environment variable ADMIN_ACCESS must be iam or loopback')
  const basePath = environment['ADMIN_PATH']
  return { access, control: flag(environment, 'ADMIN_CONTROL'), ...(basePath && { basePath }) }
}

/**
 * Reads the settings of the Feishu webhook from environment variables.
 *
 * @throws Error that names the first variable that is missing, and never shows a value
 */
export function readFeishuSettings(environment: Environment): FeishuSettings {
  return {
    appId: required(environment, 'FEISHU_APP_ID'),
    verificationToken: required(environment, 'FEISHU_VERIFICATION_TOKEN'),
    encryptKey: required(environment, 'FEISHU_ENCRYPT_KEY'),
  }
}

function required(environment: Environment, name: string): string {
  const value = environment[name]
  if (!value) throw new Error(`The environment variable ${name} is missing or empty`)
  return value
}

function url(environment: Environment, name: string): string {
  const value = required(environment, name)
  if (!/^https?:$/.test(URL.parse(value)?.protocol ?? ''))
    throw new Error(`The environment variable ${name} is not a URL`)
  return value
}

function flag(environment: Environment, name: string): boolean {
  const value = environment[name] ?? ''
  if (!['', 'true', 'false'].includes(value)) {
    throw new Error(`The environment variable ${name} must be true or false`)
  }
  return value === 'true'
}
