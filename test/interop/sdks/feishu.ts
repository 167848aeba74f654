import { Client, LoggerLevel } from '@larksuiteoapi/node-sdk'
import { feishuTenant } from '@warmtoken/core/feishu'
import { feishuSdkCache } from '@warmtoken/core/feishu-sdk'
import { type Sdk, withoutSecret } from './sdk.ts'

/** Feishu's. */
export const sdk: Sdk = {
  handle: (tokens, { url, clientId, secret }) =>
    tokens.use(feishuTenant({ appId: clientId, appSecret: secret, baseUrl: url, allowInsecure: true })),
  open(place, tokens) {
    const { url, clientId, secret } = withoutSecret(place, tokens)
    const cache = tokens && feishuSdkCache({ appId: clientId, tenant: sdk.handle(tokens, place) })
    const client = new Client({
      appId: clientId,
      appSecret: secret,
      domain: url,
      loggerLevel: LoggerLevel.error,
      // Without one of its own a client shares that of the whole process.
      ...(cache && { cache }),
    })
    return () => client.tokenManager.getTenantAccessToken({})
  },
}
