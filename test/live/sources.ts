import type { Source, TokenValue } from '@warmtoken/core'

/** A source whose tokens are counted: `secret-token-1`, `secret-token-2` … */
export function customSource(): Source<TokenValue> {
  let issued = 0
  return {
    kind: 'crm',
    identity: () => null,
    async fetch() {
      issued += 1
      return { value: { value: `secret-token-${issued}`, type: 'Bearer' }, lifetime: 3_600_000 }
    },
  }
}
