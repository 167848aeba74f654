import { storeFault } from '@warmtoken/core/adapter'
import { checkOptions } from '@warmtoken/core/adapter/setup'
import type { Connections } from '@warmtoken/core/live'
import { type AwsPlace, createAsk, PLACE_RULES } from './signed-request.ts'

/** How {@link apiGatewayConnections} is set up. */
export interface ApiGatewayConnectionsOptions extends AwsPlace {
  /** The API with its stage: `https://<id>.execute-api.<region>.amazonaws.com/<stage>`, not `wss:`. */
  readonly endpoint: string
}

/**
 * The connections of a WebSocket API, by signed requests without the SDK. Needs `execute-api:ManageConnections` on
 * `<api>/<stage>/POST/@connections/*` and `…/DELETE/@connections/*`. Throws `TypeError` that names a wrong option.
 */
export function apiGatewayConnections(options: ApiGatewayConnectionsOptions): Connections {
  checkOptions('apiGatewayConnections', options, PLACE_RULES, ['endpoint'])
  const ask = createAsk('apiGatewayConnections', 'execute-api', options)
  const request = (method: 'POST' | 'DELETE', connection: string, body: string, signal: AbortSignal) => {
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
    }
    return ask({ method, path: `/@connections/${encodeURIComponent(connection)}`, headers, body }, signal)
  }

  return {
    name: 'api-gateway',
    async post(connection, text, { signal }) {
      const { status } = await request('POST', connection, text, signal)
      if (status === 200 || status === 204) return 'sent'
      if (status === 410) return 'gone'
      if (status === 429) return 'throttled'
      throw failed(status)
    },
    async close(connection, { signal }) {
      const { status } = await request('DELETE', connection, '', signal)
      if (status !== 204 && status !== 200 && status !== 410) throw failed(status)
    },
  }
}

function failed(status: number): Error {
  const isDenied = status === 403
  const why = isDenied ? 'access denied; the role needs execute-api:ManageConnections' : `it answered ${status}`
  return storeFault(`API Gateway connections: ${why}`, {
    code: isDenied ? 'STORE_DENIED' : 'STORE_UNAVAILABLE',
    retryable: !isDenied,
  })
}
