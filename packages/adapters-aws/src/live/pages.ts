import { storeFault } from '@warmtoken/core/adapter'
import { checkOptions, textRule } from '@warmtoken/core/adapter/setup'
import type { PushPage } from '@warmtoken/core/live'
import { type AwsPlace, createAsk, PLACE_RULES } from './signed-request.ts'

/** How {@link lambdaPages} is set up. */
export interface LambdaPagesOptions extends AwsPlace {
  /** The name of the push function, whose handler calls `deliver`. */
  readonly functionName: string
}

/**
 * Hands further pages of a push to other invocations: the option `more` of `webSocketPublisher`. Needs
 * `lambda:InvokeFunction` on that function. Throws `TypeError` that names a wrong option.
 */
export function lambdaPages(options: LambdaPagesOptions): (page: PushPage) => Promise<void> {
  const rules = { ...PLACE_RULES, functionName: textRule }
  const { functionName, env = {} } = checkOptions('lambdaPages', options, rules, ['functionName'])
  const endpoint = options.endpoint ?? env['AWS_ENDPOINT_URL_LAMBDA']
  const ask = createAsk('lambdaPages', 'lambda', { ...options, ...(endpoint && { endpoint }) })
  return async (page) => {
    const body = JSON.stringify(page)
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-invocation-type': 'Event',
    }
    const path = `/2015-03-31/functions/${encodeURIComponent(functionName)}/invocations`
    const { status } = await ask({ path, headers, body }, AbortSignal.timeout(2_000))
    if (status === 202) return
    throw storeFault(`Lambda function ${functionName}: a page was answered by ${status}`, {
      code: status === 403 ? 'STORE_DENIED' : 'STORE_UNAVAILABLE',
      retryable: status !== 403,
    })
  }
}
