import type { BehindTrouble } from '@warmtoken/core/simulator'
import type { Mutant } from '../mutation/mutants.ts'

/** A mutant, and the kind of trouble in which it is looked for. */
interface BehindMutant extends Mutant {
  readonly trouble: BehindTrouble
}

function edit(file: string, find: string, replace: string): Mutant['edits'][number] {
  return { file: `write-behind/${file}`, find, replace }
}

/** Deliberately broken write-behinds, each of which the simulator must catch. */
export const BEHIND_MUTANTS: readonly BehindMutant[] = [
  {
    name: 'append before index',
    trouble: 'network',
    edits: [
      edit(
        'write.ts',
        "if (mustIndex(home, key, there) && (await home.mark(key)) === 'full') {",
        'if (full !== undefined) {',
      ),
      edit('write.ts', '  counts.appends += 1\n', '  await home.mark(key)\n  counts.appends += 1\n'),
    ],
  },
  {
    name: 'tidy without touch',
    trouble: 'network',
    edits: [
      edit('drain-key.ts', 'next: (there) => (isIdle(there) ? release(there) : undefined),', 'next: () => undefined,'),
      edit('drain-key.ts', "  if (touched.outcome === 'left') return 'left'\n", ''),
    ],
  },
  {
    name: 'mark ignored',
    trouble: 'network',
    edits: [edit('index-writer.ts', 'next.get(key) === unmark', 'next.has(key)')],
  },
  {
    name: 'the same mark at each try',
    trouble: 'network',
    edits: [
      edit(
        'index-writer.ts',
        'next: (there) => applyAll(there, batch, context.runtime.unique),',
        'next: (there) => applyAll(there, batch, () => one),',
      ),
      edit(
        'index-writer.ts',
        '    try {\n      const result = await changeRecord',
        '    const one = context.runtime.unique()\n    try {\n      const result = await changeRecord',
      ),
    ],
  },
  {
    name: 'journal read after index',
    trouble: 'network',
    edits: [
      edit(
        'write.ts',
        '  const result = await changeRecord<Journal>(context, {\n',
        '  await home.mark(key)\n  const result = await changeRecord<Journal>(context, {\n',
      ),
      edit('write.ts', '    from: sights.get(key),\n', ''),
      edit(
        'write.ts',
        "if (mustIndex(home, key, there) && (await home.mark(key)) === 'full') {",
        'if (full !== undefined) {',
      ),
    ],
  },
  {
    name: 'confirmed before written',
    trouble: 'truth',
    edits: [
      edit(
        'drain-key.ts',
        '    const result = await applyOne(drain, journal, first)\n',
        '    await noteApplied(drain, { write: first, took: 0 })\n    const result = await applyOne(drain, journal, first)\n',
      ),
    ],
  },
  {
    name: 'confirm empties the queue',
    trouble: 'calm',
    edits: [edit('journal.ts', 'done: n, queue: journal.queue.slice(1) }, lease)', 'done: n, queue: [] }, lease)')],
  },
  {
    name: 'blind repeat',
    trouble: 'network',
    edits: [edit('write.ts', '      settleKnown(there, pending)\n', '')],
  },
  {
    name: 'recent too short taken for absent',
    trouble: 'network',
    edits: [edit('write.ts', ' && doubt.last < there.floor)', ' && there.floor < 0)')],
  },
  {
    name: 'a lost answer taken for accepted',
    trouble: 'network',
    edits: [
      edit(
        'records.ts',
        "    if (tried.outcome === 'unknown') doubt = sent\n",
        "    if (tried.outcome === 'unknown') return { outcome: 'written', sight: { image: undefined, value }, attempts: attempt }\n",
      ),
    ],
  },
  {
    name: 'numbers restart',
    trouble: 'idle',
    edits: [edit('journal.ts', 'Math.max(last + 1, Math.ceil(latest))', 'last + 1 + 0 * latest')],
  },
  {
    name: 'load beats journal',
    trouble: 'calm',
    edits: [
      edit(
        'read.ts',
        'latest !== undefined && latest.n > loaded.done',
        'latest !== undefined && loaded.value === undefined',
      ),
    ],
  },
  {
    name: 'the last value forgotten after it was applied',
    trouble: 'calm',
    edits: [edit('drain-key.ts', 'keepLatest: home.merge === undefined', 'keepLatest: false')],
  },
  {
    name: 'lease ignored',
    trouble: 'calm',
    edits: [
      edit(
        'drain-key.ts',
        "lease !== undefined && earliest <= lease.acquiredAt + lease.length ? 'busy' : 'ready'",
        "lease !== undefined && earliest < 0 ? 'busy' : 'ready'",
      ),
    ],
  },
  {
    name: 'merged into a write that was handed to apply',
    trouble: 'truth',
    edits: [
      edit(
        'journal.ts',
        'last !== undefined && last.n > fixed ? last : undefined',
        'last !== undefined && fixed >= 0 ? last : undefined',
      ),
    ],
  },
  {
    name: 'a write that failed too often tried under another number',
    trouble: 'poison',
    edits: [edit('drain-key.ts', "const isAside = kind === 'refused' && home", 'const isAside = isPoison && home')],
  },
  {
    name: 'the journal as another call of the environment saw it',
    trouble: 'calm',
    edits: [edit('drain-key.ts', '    from: drain.sight,\n', '    from: home.sights.get(key),\n')],
  },
]
