import type { Swap } from '../src/contracts.ts'
import { parseRecord, type WarmRecord } from '../src/record/record.ts'
import type { Applied } from './backend.ts'
import { type AskedLease, watchIssuerCalls } from './issuer-calls.ts'
import { type Process, START } from './process.ts'
import { refusalFault, replacesRefused } from './refusals.ts'
import type { Schedule } from './schedule.ts'

/** The names of what is checked; see the protocol page of the docs. */
export type Invariant =
  | 'I1'
  | 'I2'
  | 'I3'
  | 'I4'
  | 'I5'
  | 'I6'
  | 'I7'
  | 'I8'
  | 'I9'
  | 'I10'
  | 'I11'
  | 'I12'
  | 'I13'
  | 'I14'
  | 'L1'
  | 'L2'
  | 'L3'
  | 'L4'
  | 'V1'
  | 'V2'
  | 'V3'
  | 'V5'
  | 'V6'
  | 'V7'
  | 'V8'
  | 'V9'
  | 'V10'

/** A broken promise. */
export interface Violation {
  readonly invariant: Invariant
  /** True time since the start of the run, in ms. */
  readonly at: number
  readonly what: string
}

/** An issuer call in progress. */
interface Call {
  readonly process: Process
  readonly freezes: number
  readonly leased: boolean
}

/** Sees everything and forgets nothing: checks each event against the invariants. */
export interface Witness {
  readonly violations: Violation[]
  violate(invariant: Invariant, what: string): void
  /** A swap is about to be sent. */
  onSend(swap: Swap, process: Process): void
  /** A swap was applied. */
  onApply(applied: Applied): void
  /** The issuer is asked. `need`: the most life that any call of this process asks for now, in ms. */
  onCall(nonce: string, process: Process, need: number): void
  onCallEnd(nonce: string, failed: boolean): void
  /** A process waits because of the lease of this epoch. */
  onWait(process: Process, epoch: number): void
  /** Issuer calls under a lease, and without one. */
  calls(): { leased: number; alone: number }
  /** Whether the value with this fingerprint was ever in the store. */
  wasCommitted(fingerprint: string): boolean
  /** Until when the rejecting pauses, in true time since the start of the run. */
  rejectPausedUntil(): number
  publishes(): number
}

/** How a witness is made. */
export interface WitnessOptions {
  readonly schedule: Schedule
  readonly key: string
  /** The text of the record now. */
  readonly body: () => string | undefined
  /** Whether an issuer call spends what cannot be spent twice. */
  readonly spends: boolean
  /** Whether an issuer call without a lease is excused: the store was out of reach. */
  readonly mayGoAlone: () => boolean
  readonly onSeen: (name: string) => void
}

/** Rounding of clocks that tick in whole milliseconds. */
const ROUNDING = 2
/** The largest share of the refresh window by which an environment may ask early. */
const EARLY_SHARE = 0.5

/** Makes a witness of one run and one key. */
export function createWitness({ schedule, key, body, spends, mayGoAlone, onSeen }: WitnessOptions): Witness {
  const violations: Violation[] = []
  const expected = new Set<string>()
  const asked = new Map<string, AskedLease>()
  const published = new Set<string>()
  const committed = new Set<string>()
  let pausedUntil = 0
  const called = watchIssuerCalls({ schedule, spends, onSeen })
  const open = new Map<string, Call>()
  let leased = 0
  let alone = 0
  let highest = { version: 0, epoch: 0 }

  const violate = (invariant: Invariant, what: string): void => {
    violations.push({ invariant, at: schedule.now(), what })
  }

  const recordIn = (text: string | undefined): WarmRecord | undefined => {
    const parsed = text === undefined ? undefined : parseRecord(text, key)
    return parsed?.outcome === 'record' ? parsed.record : undefined
  }

  const checkLease = (before: WarmRecord | undefined, after: WarmRecord, process: Process): void => {
    const [old, now] = [before?.lease, after.lease]
    const holder = old && asked.get(old.nonce)
    if (old !== undefined && now === undefined && holder?.process !== process)
      violate('I3', `lease ${old.nonce} ended by ${process.name}`)
    if (now === undefined || old === undefined || old.nonce === now.nonce) return
    if (holder === undefined || holder.process === process) return
    const end = holder.sentAt + holder.length
    if (schedule.now() < end - ROUNDING)
      violate('I3', `lease ${old.nonce} taken over by ${now.nonce} ${end - schedule.now()} ms before its end`)
    else onSeen('take-over')
  }

  const checkRefusal = (before: WarmRecord | undefined, after: WarmRecord, process: Process): void => {
    const write = { before, after, now: START + schedule.now() }
    const fault = refusalFault(write)
    if (fault !== undefined) violate('I14', `${process.name} ${fault}`)
    pausedUntil = Math.max(pausedUntil, after.rejectPause?.until ?? 0)
    if (!replacesRefused(write)) return
    const isSame = after.value?.fingerprint === before?.value?.fingerprint
    onSeen(isSame ? 'refused value given again' : 'refused value replaced')
  }

  return {
    violations,
    violate,
    onSend({ body: text }, process) {
      const lease = recordIn(text)?.lease
      if (lease === undefined || asked.has(lease.nonce)) return
      asked.set(lease.nonce, { process, sentAt: schedule.now(), length: lease.length })
    },
    onApply({ before: beforeImage, after: afterImage, process }) {
      const before = recordIn(beforeImage?.body)
      const after = recordIn(afterImage.body)
      if (after === undefined) return violate('I1', 'a body that is not a record was written')
      if (beforeImage !== undefined && expected.has(beforeImage.tag))
        violate('I1', `tag ${beforeImage.tag} was expected twice`)
      if (beforeImage !== undefined) expected.add(beforeImage.tag)
      const version = after.value?.version ?? 0
      const versionBefore = before?.value?.version ?? 0
      if (after.value !== undefined && version < highest.version)
        violate('I2', `version fell from ${highest.version} to ${version}`)
      if (after.epoch < highest.epoch) violate('I2', `epoch fell from ${highest.epoch} to ${after.epoch}`)
      highest = { version: Math.max(version, highest.version), epoch: Math.max(after.epoch, highest.epoch) }
      if (version > versionBefore) {
        const publisher = after.value?.publisher ?? ''
        if (before?.lease?.nonce !== publisher)
          violate('I2', `${publisher} published without holding the record it replaced`)
        if (published.has(publisher)) violate('I4', `${publisher} published twice`)
        published.add(publisher)
        committed.add(after.value?.fingerprint ?? '')
      }
      checkLease(before, after, process)
      checkRefusal(before, after, process)
    },
    onCall(nonce, process, need) {
      const isLeased = asked.has(nonce)
      leased += isLeased ? 1 : 0
      alone += isLeased ? 0 : 1
      if (!isLeased && !mayGoAlone())
        violate('I5', `${process.name} asked the issuer without a lease although the store answers`)
      if (isLeased) checkCall(nonce, process, need)
      open.set(nonce, { process, freezes: process.freezes(), leased: isLeased })
    },
    onCallEnd(nonce, failed) {
      open.delete(nonce)
      called.end(nonce, failed)
    },
    onWait(process, epoch) {
      const record = recordIn(body())
      // What it saw may be over by now; only the lease that it saw can be the one it waits for.
      const lease = record?.epoch === epoch ? record.lease : undefined
      if (lease !== undefined && asked.get(lease.nonce)?.process === process && !called.has(lease.nonce)) {
        violate('I7', `${process.name} waits for its own lease ${lease.nonce}`)
      }
    },
    calls: () => ({ leased, alone }),
    publishes: () => published.size,
    wasCommitted: (fingerprint) => committed.has(fingerprint),
    rejectPausedUntil: () => pausedUntil - START,
  }

  function checkCall(nonce: string, process: Process, need: number): void {
    const record = recordIn(body())
    const fault = called.begin(nonce, process, asked.get(nonce))
    if (fault !== undefined) violate('I5', fault)
    if (record?.lease?.nonce !== nonce)
      violate('I5', `${nonce} asked the issuer while ${record?.lease?.nonce ?? 'nobody'} holds the lease`)
    for (const call of open.values()) {
      // A process that was frozen during its call is a stopped holder: nothing can fence the issuer from it.
      const stopped = !call.process.isAlive() || call.process.isFrozen() || call.freezes !== call.process.freezes()
      if (call.leased && call.process !== process && !stopped)
        violate('I6', `${process.name} and ${call.process.name} await the issuer at once`)
    }
    const early = record === undefined ? 0 : earlyBy(record, START + schedule.now(), need)
    if (early > 0) violate('I9', `${nonce} asked the issuer ${early} ms before it was due`)
  }
}

/** How long before it is due a fetch for this record would be, in ms. `need`: the lifetime that is asked for. */
function earlyBy({ value, rejected }: WarmRecord, now: number, need: number): number {
  if (value === undefined || value.version === rejected) return 0
  const soft = value.softExpiry - (value.hardExpiry - value.softExpiry) * EARLY_SHARE
  const isDueForLife = need > 0 && now + need + 30_000 > value.hardExpiry
  return isDueForLife || now >= soft - ROUNDING ? 0 : soft - now
}
