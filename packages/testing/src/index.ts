/**
 * Test doubles for handlers that use warmtoken: fake tokens, a fake source and a fake clock. Everything else is the real
 * engine.
 *
 * @module
 */
export { expectFetches } from './fakes/expect-fetches.ts'
export { type FakeClock, type FakeClockOptions, fakeClock } from './fakes/fake-clock.ts'
export {
  type FakeAnswer,
  type FakeFetch,
  type FakeSource,
  type FakeSourceOptions,
  fakeSource,
} from './fakes/fake-source.ts'
export {
  type FakeFamily,
  type FakeToken,
  type FakeTokenOptions,
  fakeFamily,
  fakeToken,
  fakeTokens,
  type TestTokensOptions,
  testTokens,
} from './fakes/fake-tokens.ts'
