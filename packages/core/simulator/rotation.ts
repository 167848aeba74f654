import type { Exclusive } from '../src/contracts.ts'
import type { SimulatedToken } from './issuer.ts'
import type { Process } from './process.ts'
import type { Schedule } from './schedule.ts'

/** What an exclusive source of a run does after a crash; for how long its issuer tolerates a repeat, in ms. */
export type AfterCrash = Exclusive<SimulatedToken>['afterCrash']

/** Refresh tokens that rotate: every token comes with one, and each may be spent once. */
export interface Rotation {
  readonly exclusive: Exclusive<SimulatedToken>
  /** Fingerprint of the seed: what the person who signed in last left behind. */
  seed(): string
  /** Spends what `spends` names, for this new token. False when the issuer refuses. */
  spend(request: Spending): boolean
  /** A person signs in again. */
  signIn(): void
}

/** One use of a refresh token. */
export interface Spending {
  /** Which. */
  readonly spends: string
  /** The new token that the issuer would give for it. */
  readonly token: SimulatedToken
  readonly process: Process
  /** When the request was sent; a slow issuer may come to it much later. */
  readonly sentAt: number
}

/** How a rotation is watched. */
export interface RotationOptions {
  readonly schedule: Schedule
  readonly afterCrash: AfterCrash
  readonly onSeen: (name: string) => void
  /** Told of a refresh token that was spent more often than its rules allow. */
  readonly onViolation: (what: string) => void
}

/** Makes the rotation of a run. */
export function createRotation({ schedule, afterCrash, onSeen, onViolation }: RotationOptions): Rotation {
  const spent = new Map<string, { at: number; times: number }>()
  /** The seed that began the chain of each token. */
  const chains = new Map<SimulatedToken, number>()
  let seed = 1

  const isTolerated = (at: number): boolean => {
    if (afterCrash === 'repeat') return true
    return typeof afterCrash === 'object' && schedule.now() - at <= afterCrash.grace
  }

  const checkRepeat = ({ spends: name, process, sentAt }: Spending, first: { at: number; times: number }): void => {
    onSeen('spent again')
    const most = afterCrash === 'retry-once' ? 2 : afterCrash === 'stop' ? 1 : Number.POSITIVE_INFINITY
    if (first.times > most) onViolation(`${process.name} spent ${name}, ${first.times} times now`)
    // A process that was frozen over its own call spends late; nothing can fence the issuer from it.
    if (typeof afterCrash === 'object' && sentAt - first.at > afterCrash.grace && process.freezes() === 0)
      onViolation(`${process.name} spent ${name} ${sentAt - first.at} ms after it was first spent`)
  }

  return {
    exclusive: {
      afterCrash,
      spends: (previous) =>
        previous === undefined || (chains.get(previous) ?? 0) < seed ? `seed ${seed}` : `refresh ${previous}`,
    },
    seed: () => `s${seed}`,
    spend(request) {
      const { spends, token } = request
      const first = spent.get(spends)
      const chain = spends.startsWith('seed ') ? Number(spends.slice(5)) : chains.get(Number(spends.slice(8)))
      chains.set(token, chain ?? 0)
      if (first === undefined) {
        spent.set(spends, { at: schedule.now(), times: 1 })
        return true
      }
      first.times += 1
      checkRepeat(request, first)
      return isTolerated(first.at)
    },
    signIn() {
      onSeen('signed in again')
      seed += 1
    },
  }
}
