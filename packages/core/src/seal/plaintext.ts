import type { Codec } from '../contracts.ts'

/** Keeps values as they are. The visible choice not to seal; see the security page of the docs for what follows. */
export const plaintext = (): Codec => ({
  name: 'plaintext',
  seal: (text) => text,
  open: (sealed) => sealed,
})
