import type { Scenario } from '../stage.ts'
import { clockStep } from './clock.ts'
import { coldBurst } from './cold-burst.ts'
import { crash } from './crash.ts'
import { freezeInFlight } from './freeze.ts'
import { handlerError } from './handler-error.ts'
import { managed } from './managed.ts'
import { provisioned } from './provisioned.ts'
import { shutdown } from './shutdown.ts'
import { thawExpired } from './thaw.ts'
import { timeOut } from './timeout.ts'
import { unsettled } from './unsettled.ts'
import { warm } from './warm.ts'

/** Every scenario, in the order of an environment's life. */
export const scenarios: readonly Scenario[] = [
  coldBurst,
  warm,
  crash,
  timeOut,
  freezeInFlight,
  unsettled,
  thawExpired,
  clockStep,
  handlerError,
  provisioned,
  managed,
  shutdown,
]
