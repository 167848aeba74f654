import type { Mutant } from '../mutation/mutants.ts'

/** Deliberately broken leases, each of which the simulator must catch. */
export const LEASE_MUTANTS: readonly Mutant[] = [
  {
    name: 'counts from the answer',
    edits: [
      {
        file: 'lease/hold.ts',
        find: 'let until = acquired.sentAt + length - guard',
        replace: 'let until = clock.fast() + length - guard',
      },
    ],
  },
  {
    name: 'a renewal counts from its answer',
    edits: [
      {
        file: 'lease/hold.ts',
        find: 'until = Math.max(until, sentAt + rest - guard)',
        replace: 'until = Math.max(until, clock.fast() + rest - guard)',
      },
    ],
  },
  {
    name: 'renews what is in other hands',
    edits: [
      {
        file: 'lease/hold.ts',
        find: "if (result.snapshot.record.lease?.nonce !== nonce) return 'lost'",
        replace: "if (nonce === '') return 'lost'",
      },
    ],
  },
  {
    name: 'looks at the monotonic clock only',
    edits: [
      {
        file: 'engine/store-context.ts',
        find: 'const clock = createClock(runtime)',
        replace: 'const clock = createClock({ ...runtime, wall: runtime.monotonic })',
      },
    ],
  },
  {
    name: 'takes over what is held',
    edits: [
      {
        file: 'lease/acquire.ts',
        find: '(server.earliest() ?? 0) > lease.acquiredAt + lease.length || seenFor > lease.length',
        replace: 'seenFor >= 0 && server !== undefined && lease.length < 2_000',
      },
    ],
  },
  {
    name: 'the fence starts from 1 when the record was cleaned up',
    edits: [
      {
        file: 'record/transitions.ts',
        find: 'epoch: next(record.epoch, now),\n    rejected: refused',
        replace: 'epoch: record.epoch + 1,\n    rejected: refused',
      },
    ],
  },
]
