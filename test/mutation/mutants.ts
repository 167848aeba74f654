/** A deliberately broken protocol: the production source with one idea taken out. */
export interface Mutant {
  /** What is broken, in the words of the protocol page. */
  readonly name: string
  /** Edits of files under `packages/core/src`; each text must be there exactly once. */
  readonly edits: readonly { readonly file: string; readonly find: string; readonly replace: string }[]
}

/** The variants, each of which the simulator must catch. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'unconditional publish',
    edits: [
      {
        file: 'engine/miss/publish.ts',
        find: 'if (current.record.lease?.nonce !== nonce) {',
        replace: 'if (nonce === "") {',
      },
    ],
  },
  {
    name: 'acquire not bound to the version',
    edits: [
      {
        file: 'engine/miss/acquire.ts',
        find: "return { outcome: 'seen', snapshot: result.snapshot }\n",
        replace: 'return tryAcquire(flight, result.snapshot, takeOver)\n',
      },
    ],
  },
  {
    name: 'wall clocks',
    edits: [
      {
        file: 'engine/miss/record-io.ts',
        find: 'server.observe(seen.time ?? { at: runtime.wall(), precision: 0 }, sentAt)',
        replace: 'server.observe({ at: runtime.wall(), precision: 0 }, sentAt)',
      },
      {
        file: 'engine/miss/record-io.ts',
        find: 'server.observe(value.time, sentAt)',
        replace: 'server.observe({ at: runtime.wall(), precision: 0 }, sentAt)',
      },
    ],
  },
  {
    name: 'own nonce not recognized',
    edits: [
      {
        file: 'engine/miss/acquire.ts',
        find: "if (lease === undefined || sentAt === undefined) return 'no'",
        replace: "if (lease === undefined || sentAt !== -1) return 'no'",
      },
    ],
  },
  {
    name: 'lease timed from the answer',
    edits: [
      {
        file: 'engine/miss/acquire.ts',
        find: 'record, lease, sentAt, spends }',
        replace: 'record, lease, sentAt: clock.fast(), spends }',
      },
    ],
  },
  {
    name: 'monotonic clock only',
    edits: [{ file: 'engine/time/clock.ts', find: 'drift += wallNow - wall - elapsed', replace: 'drift += 0' }],
  },
  {
    name: 'unconditional release',
    edits: [
      {
        file: 'engine/miss/publish.ts',
        find: 'const result = await swapOrUnknown(context, change(held.record), { snapshot: held, tag })',
        replace:
          "const there = (await recordAfter(context, arguments[0].slot, { outcome: 'unknown' })) ?? held; const result = await swapOrUnknown(context, change(there.record), { snapshot: there, tag })",
      },
    ],
  },
  {
    name: 'failure not recorded',
    edits: [
      {
        file: 'engine/miss/publish.ts',
        find: 'await writeBack(flight, held, (record) => fail(record, failure, refresh, spent))',
        replace: 'await writeBack(flight, held, abandon); void fail; void refresh; void spent',
      },
    ],
  },
  {
    name: 'version restarts after deletion',
    edits: [
      {
        file: 'record/transitions.ts',
        find: 'Math.max(last < MAX_NUMBER ? last + 1 : 0, Math.floor(now))',
        replace: 'last + 1 + 0 * now',
      },
    ],
  },
  {
    name: 'keepUntil not extended',
    edits: [
      {
        file: 'record/transitions.ts',
        find: 'Math.max(keepUntil(record, now + length),',
        replace: 'Math.max(record.keepUntil,',
      },
    ],
  },
  {
    name: 'asked again and again under one lease',
    edits: [
      {
        file: 'engine/miss/call-twice.ts',
        find: 'return callSource(flight, { ...call, time })',
        replace: 'return callTwice(flight, held, { ...call, time })',
      },
    ],
  },
  {
    name: 'rejecting never pauses',
    edits: [
      {
        file: 'record/transitions.ts',
        find: '...(afterRefusal && { rejectPause',
        replace: '...(afterRefusal === undefined && { rejectPause',
      },
    ],
  },
  {
    name: 'pause of the rejecting not obeyed',
    edits: [{ file: 'record/reject-pause.ts', find: 'return earliest < until &&', replace: 'return earliest < 0 &&' }],
  },
  {
    name: 'pause of the rejecting does not grow',
    edits: [
      {
        file: 'record/reject-pause.ts',
        find: 'goesOn ? Math.min(before.count + 1, MAX_COUNT) : 1',
        replace: 'goesOn ? Math.min(before.count + 0, MAX_COUNT) : 1',
      },
    ],
  },
  {
    name: 'Date as a point',
    edits: [
      {
        file: 'engine/time/server-clock.ts',
        find: 'adopt(time.at, time.at + time.precision + (clock.fast() - sentAt))',
        replace: 'adopt(time.at, time.at + 0 * sentAt)',
      },
    ],
  },
]

/** Broken variants of what exclusive sources add to it. */
export const EXCLUSIVE_MUTANTS: readonly Mutant[] = [
  {
    name: 'intent ignored',
    edits: [
      {
        file: 'record/intent.ts',
        find: 'if (intent.dead === true) return false',
        replace: 'if (intent.tries > 0) return true',
      },
    ],
  },
  {
    name: 'asked twice although it spends',
    edits: [
      {
        file: 'engine/miss/fetch-exclusive.ts',
        find: 'return callSource(flight, { time, nonce, previous, spends: held.spends })',
        replace:
          'const first = await callSource(flight, { time, nonce, previous, spends: held.spends }); return first.outcome === "ok" ? first : callSource(flight, { time, nonce, previous, spends: held.spends })',
      },
    ],
  },
  {
    name: 'returned before it is committed',
    edits: [
      {
        file: 'engine/miss/fetch-exclusive.ts',
        find: "if (published?.outcome !== 'published')",
        replace: 'if (published?.outcome === undefined)',
      },
    ],
  },
  {
    name: 'intent forgotten with a failure',
    edits: [
      {
        file: 'record/transitions.ts',
        find: "if (spent === 'nothing') return withdraw(intent)",
        replace: 'if (spent !== undefined) return withdraw(intent)',
      },
    ],
  },
  {
    name: 'fetched alone when the store is down',
    edits: [
      {
        file: 'engine/miss/without-store.ts',
        find: 'if (slot.subject.source.exclusive !== undefined) {',
        replace: 'if (slot.subject.source.exclusive === null) {',
      },
    ],
  },
]
