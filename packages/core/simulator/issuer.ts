import type { Issued } from '../src/contracts.ts'
import { SignInRequiredError, SourceRefusedError, SourceUnavailableError } from '../src/errors.ts'
import type { Process } from './process.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'

/** A simulated token: a number, and when it was made. */
export type SimulatedToken = number

/** How the issuer behaves. */
export interface IssuerOptions {
  readonly schedule: Schedule
  readonly random: Random
  /** The life of its tokens, in ms. */
  readonly lifetime: number
  /** Whether it gives the same token again while more than half of its life is left. */
  readonly repeats: boolean
  /** How long it takes, in ms: from, to. */
  readonly latency: readonly [number, number]
  /** The probability that it takes longer than anyone waits. */
  readonly tooSlow: number
  /** Whether it fails every request now. */
  readonly isOut: () => boolean
  /** Whether it refuses every request now. */
  readonly isRefusing: () => boolean
  /** Told when a request arrives, ends, or is given up. */
  readonly onStart: (nonce: string, process: Process) => void
  readonly onEnd: (nonce: string, failed: boolean) => void
}

/** One request. */
export interface IssuerRequest {
  readonly nonce: string
  readonly process: Process
  readonly signal: AbortSignal
  /** Where tokens rotate: spends what was sent at `sentAt`, at the moment the issuer does. Returns whether it accepted that. */
  readonly spend?: ((token: SimulatedToken, sentAt: number) => boolean) | undefined
}

/** A simulated issuer. */
export interface Issuer {
  /** Asks for a token. */
  request(request: IssuerRequest): Promise<Issued<SimulatedToken>>
  /** When a token expires, in true time. */
  expiry(token: SimulatedToken): number
  /** When it was last given again, in true time. */
  givenAgainAt(token: SimulatedToken): number
  /** Requests so far. */
  requests(): number
}

/** Makes an issuer. Tokens are numbered, and each knows its true expiry. */
export function createIssuer(options: IssuerOptions): Issuer {
  const { schedule, random } = options
  const expiries: number[] = []
  const givenAgain: number[] = []

  const next = (): SimulatedToken => {
    const last = expiries.length - 1
    const left = (expiries[last] ?? 0) - schedule.now()
    return options.repeats && left > options.lifetime / 2 ? last : expiries.push(schedule.now() + options.lifetime) - 1
  }
  let requests = 0

  return {
    request: ({ nonce, process, signal, spend }) =>
      new Promise((resolve, reject) => {
        requests += 1
        const sentAt = schedule.now()
        options.onStart(nonce, process)
        let open = true
        const end = (settle: () => void, failed: boolean): void => {
          if (!open) return
          open = false
          options.onEnd(nonce, failed)
          settle()
        }
        signal.addEventListener('abort', () => end(() => reject(new SourceUnavailableError('aborted')), true))
        const takes = random.chance(options.tooSlow)
          ? random.between(2_000, 30_000)
          : random.between(...options.latency)
        const [out, refusing] = [options.isOut(), options.isRefusing()]
        // The life begins somewhere while the issuer works.
        const begins = random.next()
        schedule.after(takes * begins, () => {
          const token = next()
          givenAgain[token] = token in givenAgain ? schedule.now() : Number.NEGATIVE_INFINITY
          const lifetime = (expiries[token] ?? 0) - schedule.now()
          // Refusing, it does nothing; out of order, it may fail before it does anything, or after.
          const accepted = spend === undefined || refusing || (out && random.chance(0.5)) || spend(token, sentAt)
          schedule.after(takes * (1 - begins), () =>
            process.deliver(() =>
              end(
                () => {
                  if (!accepted) reject(new SignInRequiredError('reused'))
                  else if (refusing) reject(new SourceRefusedError('no', { code: 'invalid_client' }))
                  else if (out) reject(new SourceUnavailableError('out of order'))
                  else resolve({ value: token, lifetime })
                },
                !accepted || refusing || out,
              ),
            ),
          )
        })
      }),
    expiry: (token) => expiries[token] ?? Number.NEGATIVE_INFINITY,
    givenAgainAt: (token) => givenAgain[token] ?? Number.NEGATIVE_INFINITY,
    requests: () => requests,
  }
}
