export type {
  ApiAnswer,
  ApiRequest,
  Codec,
  Entry,
  Exclusive,
  FailureKind,
  FetchRequest,
  Issued,
  Json,
  LiveChange,
  Runtime,
  Source,
  Store,
  Tier,
  TokenValue,
  Traits,
} from './contracts.ts'
export type { Policy } from './engine/policy.ts'
export type { Listener, WarmEvent } from './events.ts'
export { plaintext } from './seal/plaintext.ts'
export type { InvocationOptions } from './tokens/invocation.ts'
export type { InvocationContext } from './tokens/lambda-context.ts'
export { Token } from './tokens/token.ts'
export { createTokens, type TokensOptions } from './tokens/tokens.ts'
export type {
  GetOptions,
  Handles,
  InvocationFamily,
  TokenFamily,
  TokenHandle,
  TokenHandles,
  Tokens,
  UseOptions,
} from './tokens/types.ts'
