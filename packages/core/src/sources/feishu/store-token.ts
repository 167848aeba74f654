import type { Issued, TokenValue } from '../../contracts.ts'
import { SourceRefusedError, SourceUnavailableError, WarmTokenError } from '../../errors.ts'
import { asFields } from '../../lib/parse.ts'
import { safeCode } from '../shared/answer.ts'
import type { TicketInbox } from './inbox.ts'
import { type Conversation, codeOf, converse, type FeishuApp, issuedIn, post, TICKET_REFUSED } from './token.ts'

/** A store app, and where its tickets arrive. */
export interface FeishuStoreApp extends FeishuApp {
  readonly inbox: TicketInbox
}

/** The app token that this process holds; in memory, and nowhere else. */
export interface KeptAppToken {
  current: { readonly token: string; readonly usableUntil: number } | undefined
  /** The one request for it in progress, and what ends that. */
  asking: { readonly token: Promise<string>; readonly signal: AbortSignal } | undefined
}

/** A store app whose app token this process keeps. */
type KeepingApp = FeishuStoreApp & { readonly kept: KeptAppToken }

/** An app token with less life than this is not used for another request, in ms. */
const MARGIN = 60_000
/** The codes by which an app token is refused where a tenant token is asked for. */
const APP_TOKEN_REFUSED = [10013, 99991661, 99991663, 99991664, 99991671, 99991677].map(codeOf)

/** Asks for the app token of a store app, with the ticket in the inbox. */
export async function requestStoreAppToken(app: FeishuStoreApp, signal: AbortSignal): Promise<Issued<TokenValue>> {
  return appToken(app, await converse(app, signal))
}

/** Asks for a tenant token of a store app. An app token of this process that is refused meanwhile is replaced once. */
export async function requestStoreTenantToken(
  app: KeepingApp,
  tenantKey: string,
  signal: AbortSignal,
): Promise<Issued<TokenValue>> {
  const { kept } = app
  const conversation = await converse(app, signal)
  const ask = async (token: string): Promise<Issued<TokenValue>> => {
    const body = { app_access_token: token, tenant_key: tenantKey }
    return issuedIn(await post(conversation, 'tenant_access_token', body), 'tenant_access_token')
  }
  const { current } = kept
  if (current !== undefined && Date.now() < current.usableUntil) {
    try {
      return await ask(current.token)
    } catch (error) {
      if (!(error instanceof WarmTokenError && APP_TOKEN_REFUSED.includes(error.code))) throw error
      if (kept.current === current) kept.current = undefined
    }
  }
  return ask(await sharedAppToken(app, conversation))
}

/** Many tenants of one process ask for the app token together, so one request serves them all. */
async function sharedAppToken(app: KeepingApp, conversation: Conversation): Promise<string> {
  const { kept } = app
  const { asking } = kept
  if (asking !== undefined) {
    try {
      return await asking.token
    } catch (error) {
      // Its caller gave up; that is not an answer for other callers.
      if (!asking.signal.aborted) throw error
    }
  }
  const mine = { token: renewAppToken(app, conversation), signal: conversation.signal }
  kept.asking = mine
  try {
    return await mine.token
  } finally {
    if (kept.asking === mine) kept.asking = undefined
  }
}

async function renewAppToken(app: KeepingApp, conversation: Conversation): Promise<string> {
  const before = Date.now()
  const { value, lifetime } = await appToken(app, conversation)
  app.kept.current = { token: value.value, usableUntil: before + lifetime - MARGIN }
  return value.value
}

async function appToken({ inbox }: FeishuStoreApp, conversation: Conversation): Promise<Issued<TokenValue>> {
  const ticket = await ticketIn(inbox, conversation.signal)
  if (ticket === undefined)
    return askForTicket(conversation, 'FEISHU_TICKET_MISSING', 'there is no app ticket in the inbox')
  try {
    const body = { ...conversation.credentials, app_ticket: ticket }
    return issuedIn(await post(conversation, 'app_access_token', body), 'app_access_token')
  } catch (error) {
    if (!(error instanceof WarmTokenError && error.code === codeOf(TICKET_REFUSED))) throw error
    return askForTicket(conversation, 'FEISHU_TICKET_REFUSED', 'the issuer refused the app ticket')
  }
}

async function ticketIn(inbox: TicketInbox, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await inbox.get({ signal })
  } catch (error) {
    const code = safeCode(asFields(error)?.['code'])
    throw new SourceUnavailableError(`the ticket inbox could not be read${code === undefined ? '' : ` (${code})`}`, {
      code: 'FEISHU_INBOX_UNREAD',
    })
  }
}

/**
 * Asks the platform to push the ticket again, which it does to another function and soon, but not now. Always rejects: a
 * wrong secret and a throttled request are told as such, for then no ticket will come.
 */
async function askForTicket(conversation: Conversation, code: string, what: string): Promise<never> {
  try {
    await post(conversation, 'app_ticket/resend', conversation.credentials)
  } catch (error) {
    const throttled = error instanceof SourceUnavailableError && error.kind === 'throttled'
    if (throttled || error instanceof SourceRefusedError) throw error
    throw new SourceUnavailableError(`${what}, and the platform could not be asked to push one`, { code })
  }
  throw new SourceUnavailableError(`${what}; the platform was asked to push one`, { code })
}
