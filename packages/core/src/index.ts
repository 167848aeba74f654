export type {
  ApiAnswer,
  ApiRequest,
  Codec,
  Entry,
  Exclusive,
  FailureKind,
  FetchRequest,
  Image,
  Issued,
  Json,
  Listener,
  ReadOptions,
  Runtime,
  Seen,
  ServerTime,
  Source,
  Store,
  StoreFault,
  Swap,
  Swapped,
  Tier,
  TokenValue,
  Traits,
  WarmEvent,
} from './contracts.ts'
export type { Policy } from './engine/policy.ts'
export { plaintext } from './seal/plaintext.ts'
export type { GetOptions, TokenHandle } from './tokens/handle.ts'
export type { InvocationContext, InvocationOptions } from './tokens/invocation.ts'
export { Token } from './tokens/token.ts'
export { createTokens, type Handles, type TokenFamily, type Tokens, type TokensOptions } from './tokens/tokens.ts'
