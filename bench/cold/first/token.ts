import { createTokens, type Store, type TokensOptions } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'

/** The token by the toolkit. The benchmark says which tier must return it. */
export async function tokenBy(options: TokensOptions): Promise<string> {
  const source = custom({
    identity: 'cold',
    fetch: async () => ({ value: `token-of-this-benchmark-${'x'.repeat(1_000)}`, lifetime: 3_600_000 }),
  })
  const token = await createTokens(options).use(source).get()
  const { BENCH_TIER } = process.env
  if (token.tier !== BENCH_TIER) throw new Error(`the token came from ${token.tier}, not from ${BENCH_TIER}`)
  return token.value
}

/** The toolkit without a file tier, on this store. */
export function tokenFrom(store: Store): Promise<string> {
  return tokenBy({ store, directory: false })
}
