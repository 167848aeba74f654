import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { secretsManagerSecret } from '@warmtoken/adapters-aws/secrets'
import { createTokens } from '@warmtoken/core'
import { clientCredentials } from '@warmtoken/core/oauth2'
import {
  type AdminSettings,
  type FeishuSettings,
  readAdminSettings,
  readFeishuSettings,
  readSettings,
} from './settings.ts'

// The composition root: the one place that reads the environment and wires what the handlers use.
const settings = readSettings(process.env)

/** The name of the table that all functions share. */
export const { table } = settings

/** That table. */
export const store = dynamoDBStore({ table, env: process.env })

/** Keeps the tokens of all functions in memory, in `/tmp` and in the table. */
export const tokens = createTokens({
  store,
  ...(settings.directory && { directory: settings.directory }),
})

/** The token that the protected API wants. */
export const api = tokens.use(
  clientCredentials({
    issuer: settings.issuer,
    clientId: settings.clientId,
    // Read when a token is fetched, by the one environment that does so.
    clientSecret: secretsManagerSecret({ id: settings.clientSecretId }),
    scope: ['contacts:read'],
    ...(settings.allowInsecure && { allowInsecure: true }),
  }),
)

/** Where the contacts are. */
export const contactsUrl = new URL('/contacts', settings.apiUrl)

/** Where the leaderboards are. */
export const leaderboardUrl = new URL('/leaderboard', settings.apiUrl)

/** The settings of the console, which only the function that serves it has. */
export function adminSettings(): AdminSettings {
  return readAdminSettings(process.env)
}

/** The settings of the Feishu webhook. A function, for only the handler that calls it has them. */
export function feishuSettings(): FeishuSettings {
  return readFeishuSettings(process.env)
}
