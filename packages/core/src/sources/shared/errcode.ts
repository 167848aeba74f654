import type { ApiAnswer, ApiRequest, TokenValue, Traits } from '../../contracts.ts'
import { asFields } from '../../lib/parse.ts'

/**
 * How WeChat and WeCom refuse a token: 40001 not valid or not the latest, 40014 not a token, 42001 expired. With HTTP
 * 200, so the body must be read. Other codes, such as a missing right, are no matter of the token.
 */
const REJECTED: readonly unknown[] = [40001, 40014, 42001]

/** Whether the API's answer says that the token is refused. */
export const isRejection: NonNullable<Traits['isRejection']> = async (answer: ApiAnswer) =>
  answer.status === 200 && REJECTED.includes(asFields(await answer.json())?.['errcode'])

/** These APIs take the token in the address, and nowhere else. */
export function attach({ url }: ApiRequest, { value }: TokenValue): void {
  url.searchParams.set('access_token', value)
}
