import { type Imitation, startEntra, startFeishu, startGitHub, startRotatingIssuer } from '@warmtoken/local/issuers'

/** Where a client asks, and as whom. */
export interface Place {
  readonly url: string
  readonly clientId: string
  readonly secret: string
  /** For a refresh token grant. */
  readonly refreshToken?: string
}

/** An issuer that runs, and a client of it. */
export interface Running {
  readonly issuer: Imitation
  readonly place: Place
}

/** Starts an issuer whose tokens live for so many ms, with a client of this id where it can be any text. */
export type StartIssuer = (lifetime: number, id: string) => Promise<Running>

/** How long each issuer takes to answer, in ms. */
export const DELAY = 50

const delay = DELAY
const secret = 'local-secret'

/** OAuth 2.0 client credentials as Microsoft has them: a new token for every request. */
export const entra: StartIssuer = async (lifetime) => {
  const issuer = await startEntra({ delay, tokenLifetime: lifetime, clientSecret: secret })
  return { issuer, place: { url: issuer.url, clientId: issuer.clientId, secret } }
}

/** Feishu, for your own app. */
export const feishu: StartIssuer = async (lifetime, id) => {
  const issuer = await startFeishu({ delay, lifetime, appId: id, appSecret: secret })
  return { issuer, place: { url: issuer.url, clientId: id, secret } }
}

/** GitHub, for an App. */
export const gitHub: StartIssuer = async (lifetime) => {
  const issuer = await startGitHub({ delay, tokenLifetime: lifetime })
  return { issuer, place: { url: issuer.url, clientId: issuer.clientId, secret: issuer.privateKey } }
}

/** OAuth 2.0 refresh tokens that do not rotate, as Google's. */
export const refreshing: StartIssuer = async (lifetime) => {
  const issuer = await startRotatingIssuer({ delay, tokenLifetime: lifetime, rotates: false, clientSecret: secret })
  return { issuer, place: { url: issuer.url, clientId: 'mailer', secret, refreshToken: issuer.signIn() } }
}
