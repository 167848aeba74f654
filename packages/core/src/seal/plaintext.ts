import type { Codec } from '../contracts.ts'

/** Keeps values as they are. The visible choice not to seal; see the security page of the docs for what follows. */
export function plaintext(): Codec {
  return {
    name: 'plaintext',
    seal: (text) => text,
    open: (sealed) => sealed,
  }
}
