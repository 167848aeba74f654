import type { Mutant } from '../mutation/mutants.ts'

function edit(file: string, find: string, replace: string): Mutant['edits'][number] {
  return { file: `sessions/${file}`, find, replace }
}

/** Deliberately broken sessions, each of which the simulator must catch. */
export const SESSION_MUTANTS: readonly Mutant[] = [
  {
    name: 'absence ignores born',
    edits: [
      edit('verify.ts', 'absent.sent > since || token.born < absent.earliest - ABSENT_SLACK', 'absent !== undefined'),
    ],
  },
  {
    name: 'a record that is older than the token refuses it',
    edits: [edit('verify.ts', 'token.born <= held.record.version', 'held !== undefined')],
  },
  {
    name: 'checked from receipt',
    edits: [
      edit(
        'records.ts',
        'cache.adopt(selectorOf(key), { record, sentAt, sent, earliest, bytes',
        'cache.adopt(selectorOf(key), { record, sentAt: clock.fast(), sent, earliest, bytes',
      ),
    ],
  },
  {
    name: 'monotonic clock only',
    edits: [
      edit(
        'context.ts',
        'const clock = createClock(runtime)',
        'const clock = createClock({ wall: runtime.monotonic, monotonic: runtime.monotonic })',
      ),
    ],
  },
  { name: 'eventual read', edits: [edit('records.ts', 'consistent: true', 'consistent: false')] },
  {
    name: 'renewal writes blindly',
    edits: [
      edit('serve.ts', 'const renewed = record && renewSession(record,', 'const renewed = renewSession(held.record,'),
    ],
  },
  {
    name: 'conflict re-applies its own list',
    edits: [
      edit('records.ts', 'sight = tried.sight\n', 'sight = { image: tried.sight.image, record: sight.record }\n'),
    ],
  },
  {
    name: 'revokeAll by the list read before',
    edits: [
      edit('manage.ts', "'./transitions.ts'", "'./transitions.ts'; import { selectorOf } from './token.ts'"),
      edit(
        'manage.ts',
        'const revoked = new Set<string>()',
        'const revoked = new Set<string>(); const old = context.cache.held(selectorOf(key))?.record.sessions.map((one) => one.id)',
      ),
      edit(
        'manage.ts',
        'removeSessions(before, isRevoked)',
        'removeSessions(before, (one) => isRevoked(one) && old?.includes(one.id) !== false)',
      ),
    ],
  },
  {
    name: 'rotated-out hash kept after its grace',
    edits: [edit('judge.ts', 'previous === undefined || latest >= previous.until', 'previous === undefined')],
  },
  {
    name: 'old token rotates again',
    edits: [
      edit('transitions.ts', "verdict.outcome !== 'accepted' || !verdict.current", "verdict.outcome !== 'accepted'"),
    ],
  },
  {
    name: 'lost answer taken for done',
    edits: [
      edit(
        'records.ts',
        "if (swapped === undefined || swapped.outcome === 'unknown') continue",
        "if (swapped === undefined || swapped.outcome === 'unknown') return 'swapped'",
      ),
    ],
  },
]
