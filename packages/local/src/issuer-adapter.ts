import type { Adapter } from 'oidc-provider'

/** What the provider keeps of a token, as far as it matters here. */
type Payload = { readonly grantId?: string; readonly consumed?: number }

/**
 * Keeps what the provider must remember: assertions already used, and refresh tokens with the grant they belong to. Gone
 * with the process, as all here is.
 */
export function memoryAdapter(): Adapter {
  const kept = new Map<string, Payload>()
  const nothing = async () => undefined
  return {
    upsert: async (id, payload) => void kept.set(id, payload),
    find: async (id) => kept.get(id),
    findByUserCode: nothing,
    findByUid: nothing,
    consume: async (id) => void kept.set(id, { ...kept.get(id), consumed: Math.floor(Date.now() / 1000) }),
    destroy: async (id) => void kept.delete(id),
    revokeByGrantId: async (grantId) => {
      for (const [id, payload] of kept) if (payload.grantId === grantId) kept.delete(id)
    },
  }
}
