import { generateKeyPairSync } from 'node:crypto'
import { HOUR, TOKEN, type Variant } from './variant.ts'

const TENANT = '11111111-1111-1111-1111-111111111111'
const AUTHORITY = `https://login.microsoftonline.com/${TENANT}`

/** What Entra answers, without the network. */
async function entra(): Promise<never> {
  const body = { token_type: 'Bearer', expires_in: 3_600, ext_expires_in: 3_600, access_token: TOKEN }
  return { status: 200, headers: {}, body } as never
}

/** Clients of issuers, and what Lambda users have: each keeps a token or a value on its own. */
export const clients: readonly Variant[] = [
  {
    name: '@middy/util processCache',
    form: 'sync',
    open: async () => {
      const { processCache } = await import('@middy/util')
      const options = { cacheKey: 'key', cacheExpiry: HOUR } as never
      const fetch = () => TOKEN
      return () => processCache(options, fetch as never).value
    },
  },
  {
    name: 'google-auth-library',
    form: 'await',
    open: async () => {
      const { OAuth2Client } = await import('google-auth-library')
      const client = new OAuth2Client({ clientId: 'bench', clientSecret: 'only-for-this-benchmark' })
      client.setCredentials({ access_token: TOKEN, expiry_date: Date.now() + HOUR })
      return () => client.getAccessToken()
    },
  },
  {
    name: 'Powertools parameters',
    form: 'await',
    open: async () => {
      const { BaseProvider } = await import('@aws-lambda-powertools/parameters/base')
      class Provider extends BaseProvider {
        protected override async _get(): Promise<string> {
          return TOKEN
        }
        protected override async _getMultiple(): Promise<undefined> {
          return undefined
        }
      }
      const provider = new Provider({})
      return () => provider.get('key', { maxAge: 3_600 })
    },
  },
  {
    name: '@octokit/auth-app',
    form: 'await',
    open: async () => {
      const { createAppAuth } = await import('@octokit/auth-app')
      const { privateKey } = generateKeyPairSync('rsa', {
        modulusLength: 2048,
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      })
      const expires_at = new Date(Date.now() + HOUR).toISOString()
      const data = { token: TOKEN, expires_at, permissions: { issues: 'read' }, repository_selection: 'all' }
      const request = async (): Promise<unknown> => ({ data })
      const auth = createAppAuth({ appId: 1, privateKey, installationId: 1, request: request as never })
      return () => auth({ type: 'installation' })
    },
  },
  {
    name: '@azure/msal-node',
    form: 'await',
    open: async () => {
      const { ConfidentialClientApplication } = await import('@azure/msal-node')
      const authorityMetadata = JSON.stringify({
        issuer: `${AUTHORITY}/v2.0`,
        authorization_endpoint: `${AUTHORITY}/oauth2/v2.0/authorize`,
        token_endpoint: `${AUTHORITY}/oauth2/v2.0/token`,
        jwks_uri: `${AUTHORITY}/discovery/v2.0/keys`,
      })
      const client = new ConfidentialClientApplication({
        auth: { clientId: 'bench', authority: AUTHORITY, clientSecret: 'only-for-this-benchmark', authorityMetadata },
        system: { networkClient: { sendGetRequestAsync: entra, sendPostRequestAsync: entra } },
      } as never)
      return () => client.acquireTokenByClientCredential({ scopes: ['https://graph.microsoft.com/.default'] })
    },
  },
]
