import { ticketInbox, ticketWebhook } from '@warmtoken/core/feishu'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { feishuSettings, store } from './composition.ts'

const { appId, verificationToken, encryptKey } = feishuSettings()
const receive = ticketWebhook({ inbox: ticketInbox({ store, appId }), verificationToken, encryptKey })

/**
 * `POST /feishu/ticket`: the webhook of a Feishu store app. The platform pushes the app's ticket here every hour; the
 * functions that use tokens find it in the table.
 */
export function handler(event: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> {
  return receive(event)
}
