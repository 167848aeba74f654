import type { Mutant } from '../mutation/mutants.ts'

function edit(find: string, replace: string): Mutant['edits'][number] {
  return { file: 'data/write-through.ts', find, replace }
}

/** Deliberately broken writes through a cache, each of which the simulator must catch. */
export const WRITE_MUTANTS: readonly Mutant[] = [
  {
    name: 'the old value keeps its life',
    edits: [edit('draftOf(found.entry, now + length)', 'draftOf(found.entry)')],
  },
  {
    name: 'no lease is taken',
    edits: [
      edit(
        'const next = acquire(made.record, { nonce, now, length, rejected: undefined })',
        'const next = { ...acquire(made.record, { nonce, now, length: 0, rejected: undefined }), keepUntil: made.record.keepUntil + now }',
      ),
    ],
  },
  {
    name: 'other writers are not waited for',
    edits: [edit('!lease.nonce.startsWith(WRITER)', "lease.nonce !== ''")],
  },
  {
    name: 'a writer that lost its lease drops nothing',
    edits: [edit("await changeItem(home, item, async () => 'remove')", 'await Promise.resolve(changeItem)')],
  },
  {
    name: 'the own environment keeps serving what it has',
    edits: [
      edit('  item.changes += 1\n', ''),
      edit('  forget(home, item)\n', ''),
      edit('  item.least = Math', '  item.relaxedUntil = Math'),
    ],
  },
  {
    name: 'numbers are those of the process',
    edits: [
      edit(
        'call({ n: record.epoch, id: nonce, signal })',
        'call({ n: Math.floor(runtime.wall()), id: nonce, signal })',
      ),
    ],
  },
]
