/** What is read of a Lambda context: how long the invocation may still take, in ms. */
export interface InvocationContext {
  getRemainingTimeInMillis?(): number
}

/**
 * The context that Lambda hands to a handler. The same as `Context` of `@types/aws-lambda`, declared here so that you need
 * no types of another package.
 */
export interface LambdaContext {
  callbackWaitsForEmptyEventLoop: boolean
  functionName: string
  functionVersion: string
  invokedFunctionArn: string
  memoryLimitInMB: string
  awsRequestId: string
  logGroupName: string
  logStreamName: string
  identity?: { cognitoIdentityId: string; cognitoIdentityPoolId: string } | undefined
  clientContext?: LambdaClientContext | undefined
  tenantId?: string | undefined
  /** Returns how long the invocation may still take, in ms. */
  getRemainingTimeInMillis(): number
  /** @deprecated Return a promise. */
  done(error?: Error, result?: unknown): void
  /** @deprecated Throw, or reject the returned promise. */
  fail(error: Error | string): void
  /** @deprecated Resolve the returned promise. */
  succeed(messageOrObject: unknown): void
  /** @deprecated Resolve the returned promise. */
  succeed(message: string, object: unknown): void
}

/** What a mobile application states about itself. */
export interface LambdaClientContext {
  client: {
    installationId: string
    appTitle: string
    appVersionName: string
    appVersionCode: string
    appPackageName: string
  }
  /** What the application adds, not checked. */
  custom?: unknown
  env: { platformVersion: string; platform: string; make: string; model: string; locale: string }
}
