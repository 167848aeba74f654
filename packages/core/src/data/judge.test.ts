import { describe, expect, it } from 'vitest'
import { type Generation, NO_GENERATION, NO_ROOT } from './generations.ts'
import { judge, type View } from './judge.ts'

const under = { tags: [['team', 5]], root: 5 } as const
function view(team: Generation | 'damaged' | undefined, root: View['root'] = { ...NO_ROOT, hard: 5 }): View {
  return { tag: (tag) => (tag === 'team' ? team : undefined), root }
}
const same = { hard: 5, soft: 0 }

describe('an entry', () => {
  it('is good while no number is above those it was loaded under', () => {
    expect(judge('k', under, view(same))).toEqual({ outcome: 'good' })
  })

  it('is stale under a higher soft number, and dead under a higher hard one of a tag, a pattern or everything', () => {
    expect(judge('k', under, view({ hard: 5, soft: 6 })).outcome).toBe('stale')
    expect(judge('k', under, view({ hard: 6, soft: 0 })).outcome).toBe('dead')
    expect(judge('k', under, view(same, { ...NO_ROOT, hard: 6 })).outcome).toBe('dead')
    const patterns = [{ text: 'k*', hard: 0, soft: 7 }]
    expect(judge('kk', under, view(same, { hard: 5, soft: 0, patterns })).outcome).toBe('stale')
    expect(judge('other', under, view(same, { hard: 5, soft: 0, patterns })).outcome).toBe('good')
  })

  it('is not judged by what was never read', () => {
    expect(judge('k', under, view(undefined))).toEqual({ outcome: 'unread', tags: ['team'] })
    expect(judge('k', under, { ...view(same), root: undefined })).toEqual({ outcome: 'unread', tags: [''] })
  })

  it('is dead when a record that it rests on is damaged', () => {
    expect(judge('k', under, view('damaged'))).toEqual({ outcome: 'dead' })
    expect(judge('k', under, view(same, 'damaged'))).toEqual({ outcome: 'dead' })
  })

  it('names the records whose number is lower than the entry has seen', () => {
    expect(judge('k', under, view(NO_GENERATION))).toEqual({ outcome: 'lost', tags: ['team'] })
    expect(judge('k', { tags: [], root: 9 }, view(same))).toEqual({ outcome: 'lost', tags: [''] })
  })
})
