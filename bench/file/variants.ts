import { limits } from './limits.ts'
import { ours } from './ours.ts'
import { peers } from './peers.ts'
import type { Variant } from './variant.ts'

/** All ways that are compared. */
export const variants: readonly Variant[] = [...limits, ...ours, ...peers]
