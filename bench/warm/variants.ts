import { clients } from './clients.ts'
import { libraries } from './libraries.ts'
import { limits } from './limits.ts'
import { ours } from './ours.ts'
import { data } from './ours-data.ts'
import type { Variant } from './variant.ts'

/** All ways that are compared. */
export const variants: readonly Variant[] = [...limits, ...ours, ...data, ...clients, ...libraries]
