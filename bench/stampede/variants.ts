import { caches } from './caches.ts'
import { locks } from './locks.ts'
import { ours } from './ours.ts'
import type { FleetVariant } from './wiring.ts'

/** All ways that a fleet is compared by. */
export const fleetVariants: readonly FleetVariant[] = [...locks, ...ours, ...caches]
