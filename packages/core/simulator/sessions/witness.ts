import type { Image } from '../../src/contracts.ts'
import type { Applied } from '../backend.ts'
import { type Process, START } from '../process.ts'
import type { Schedule } from '../schedule.ts'

/** What is checked of sessions. */
export type SessionInvariant =
  /** Accepted: the record held it no longer ago than `recheck` before the request began. */
  | 'S1 in the list'
  /** Accepted: neither idle nor absolute end nor the end of a grace had come. */
  | 'S2 not ended'
  /** Refused: the record did not hold it all the while. */
  | 'S3 not refused'
  /** What was taken out of the list never comes back. */
  | 'S4 not revived'
  /** Nobody takes out a session but who revokes it, or when it has ended. */
  | 'S5 not lost'
  /** What was acknowledged is so. */
  | 'S6 acknowledged'
  /** A token has one successor. */
  | 'S7 one successor'
  /** A call ends, and fails by a typed error. */
  | 'S8 ends'

/** A broken promise. */
export interface SessionViolation {
  readonly invariant: SessionInvariant
  readonly at: number
  readonly what: string
}

/** A token's place in a record, over true time. */
interface Place {
  readonly id: string
  /** Since when a record accepts it, until when. */
  readonly from: number
  until: number
  /** The latest end that any record gave it, in server time. */
  end: number
  /** When a rotation replaced it, in server time. */
  rotatedAt?: number
}

interface Stored {
  readonly n: string
  readonly h: string
  readonly i: number
  readonly a: number
  readonly p?: { readonly h: string; readonly u: number }
}

/** Sees every write, and knows what each token was good for at any time. */
export interface SessionWitness {
  readonly violations: SessionViolation[]
  violate(invariant: SessionInvariant, what: string): void
  onApply(applied: Applied): void
  /** A process is about to revoke: one session, or all of a record for `undefined`. */
  onRevoke(process: Process, key: string, id: string | undefined): void
  /** What a revocation that was acknowledged must have taken out. */
  listed(key: string): readonly string[]
  isListed(key: string, id: string): boolean
  /** Whether any record ever held this hash. */
  wasThere(hash: string): boolean
  checkAccepted(hash: string, begunAt: number, recheck: number): void
  checkRefused(hash: string, begunAt: number): void
}

/** The widest that the server's time is known to, in ms: whole seconds, a slow answer, and the drift of clocks. */
const UNSURE = 6_000

/** Makes a witness of one run. */
export function createSessionWitness(schedule: Schedule, saw: (name: string) => void): SessionWitness {
  const violations: SessionViolation[] = []
  const places = new Map<string, Place>()
  const lists = new Map<string, readonly Stored[]>()
  const removed = new Set<string>()
  const revoking = new Map<Process, Set<string>>()
  const successors = new Map<string, string>()

  const violate = (invariant: SessionInvariant, what: string): void => {
    violations.push({ invariant, at: schedule.now(), what })
  }
  const sessionsIn = (image: Image): readonly Stored[] =>
    (JSON.parse(image.body) as { readonly sessions: readonly Stored[] }).sessions

  /** Those that have not ended. */
  const listed = (key: string): readonly string[] =>
    (lists.get(key) ?? []).filter(({ i, a }) => Math.min(i, a) > START + schedule.now()).map(({ n }) => n)

  /** What a record accepts: hashes, each with its session and its end. */
  const accepted = (sessions: readonly Stored[]): ReadonlyMap<string, { id: string; end: number }> =>
    new Map(
      sessions.flatMap(({ n: id, h, i, a, p }) => [
        [h, { id, end: Math.min(i, a) }] as const,
        ...(p === undefined ? [] : [[p.h, { id, end: Math.min(i, a, p.u) }] as const]),
      ]),
    )

  const checkRemovals = (before: readonly Stored[], after: readonly Stored[], { key, process }: Applied): void => {
    const now = START + schedule.now()
    const left = new Set(after.map(({ n }) => n))
    for (const { n, i, a } of before) {
      if (left.has(n)) continue
      removed.add(n)
      const mine = revoking.get(process)
      const isEnded = Math.min(i, a) <= now
      if (!isEnded && mine?.has(n) !== true && mine?.has(key) !== true)
        violate('S5 not lost', `${process.name} took out ${n} without revoking it`)
      if (!isEnded) saw('revoked')
    }
  }

  return {
    violations,
    violate,
    onApply(applied) {
      const { key, process, after: image } = applied
      const now = schedule.now()
      const [before, after] = [lists.get(key) ?? [], sessionsIn(image)]
      lists.set(key, after)
      for (const { n, h, p } of after) {
        if (removed.has(n)) violate('S4 not revived', `${process.name} brought ${n} back`)
        const first = p && successors.get(p.h)
        if (p !== undefined && first === undefined) {
          successors.set(p.h, h)
          saw('rotated')
        }
        // A later rotation takes the place of an earlier one, and then has another `p`.
        if (p !== undefined && first !== undefined && first !== h)
          violate('S7 one successor', `${process.name} rotated a token again`)
      }
      checkRemovals(before, after, applied)
      const good = accepted(after)
      for (const { h, p } of before)
        for (const hash of [h, p?.h]) {
          const place = hash === undefined ? undefined : places.get(hash)
          if (place !== undefined && !good.has(hash ?? '')) place.until = Math.min(place.until, now)
        }
      for (const [hash, { id, end }] of good) {
        const place = places.get(hash)
        if (place === undefined) places.set(hash, { id, from: now, until: Number.POSITIVE_INFINITY, end })
        // A rotation gives the old token its end, which may have come before the write was applied.
        else if (after.some(({ p }) => p?.h === hash)) {
          place.rotatedAt ??= START + now
          place.end = Math.max(end, place.rotatedAt)
        } else place.end = Math.max(place.end, end)
      }
    },
    onRevoke(process, key, id) {
      const mine = revoking.get(process) ?? new Set()
      revoking.set(process, mine.add(id ?? key))
    },
    listed,
    isListed: (key, id) => listed(key).includes(id),
    wasThere: (hash) => places.has(hash),
    checkAccepted(hash, begunAt, recheck) {
      const place = places.get(hash)
      saw('accepted')
      if (place === undefined) return violate('S1 in the list', 'a token was accepted that no record ever held')
      if (place.until < begunAt) saw('accepted within recheck of its end')
      if (begunAt - place.until > recheck)
        violate('S1 in the list', `a token was accepted ${begunAt - place.until} ms after it was taken out`)
      // Within recheck of a rotation, a record from before it may still count.
      if (START + begunAt - recheck >= place.end)
        violate('S2 not ended', `a token was accepted ${START + begunAt - place.end} ms after its end`)
    },
    checkRefused(hash, begunAt) {
      const place = places.get(hash)
      saw('refused')
      const isEnding = place !== undefined && place.end <= START + schedule.now() + UNSURE
      if (place === undefined || isEnding || place.from > begunAt || place.until < schedule.now()) return
      violate('S3 not refused', `a token was refused that was good, ${begunAt - place.from} ms old`)
    },
  }
}
