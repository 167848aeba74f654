import { describe, expect, it } from 'vitest'
import { NO_GENERATION, NO_ROOT } from './generations.ts'
import { judge, type View } from './judge.ts'

const under = { tags: [['team', 5]], root: 5 } as const
const view = (over: Partial<View> = {}): View => ({
  tags: new Map([['team', { hard: 5, soft: 0 }]]),
  root: { ...NO_ROOT, hard: 5 },
  ...over,
})
const none = () => 0

describe('an entry', () => {
  it('is good while no number is above those it was loaded under', () => {
    expect(judge('k', under, view(), none)).toEqual({ outcome: 'good' })
  })

  it('is stale under a higher soft number, and dead under a higher hard one of a tag, a pattern or everything', () => {
    expect(judge('k', under, view({ tags: new Map([['team', { hard: 5, soft: 6 }]]) }), none)).toEqual({
      outcome: 'stale',
    })
    expect(judge('k', under, view({ tags: new Map([['team', { hard: 6, soft: 0 }]]) }), none).outcome).toBe('dead')
    expect(judge('k', under, view({ root: { ...NO_ROOT, hard: 6 } }), none).outcome).toBe('dead')
    const patterns = [{ text: 'k*', hard: 0, soft: 7 }]
    expect(judge('kk', under, view({ root: { hard: 5, soft: 0, patterns } }), none).outcome).toBe('stale')
    expect(judge('other', under, view({ root: { hard: 5, soft: 0, patterns } }), none).outcome).toBe('good')
  })

  it('is not judged by tags that were not read', () => {
    expect(judge('k', under, view({ tags: new Map() }), none)).toEqual({ outcome: 'unread', tags: ['team'] })
  })

  it('is dead when a record that it rests on is damaged', () => {
    expect(judge('k', under, view({ tags: new Map([['team', undefined]]) }), none)).toEqual({
      outcome: 'dead',
      lost: [],
    })
    expect(judge('k', under, view({ root: undefined }), none)).toEqual({ outcome: 'dead', lost: [] })
  })

  it('is dead when a number is lower than it, or this environment, has seen, and the loss is named', () => {
    const gone = view({ tags: new Map([['team', NO_GENERATION]]) })
    expect(judge('k', under, gone, none)).toEqual({ outcome: 'dead', lost: ['team'] })
    expect(judge('k', { tags: [['team', 0]], root: 5 }, gone, (tag) => (tag === 'team' ? 3 : 0))).toEqual({
      outcome: 'dead',
      lost: ['team'],
    })
    expect(judge('k', { tags: [], root: 9 }, view(), none)).toEqual({ outcome: 'dead', lost: [''] })
  })
})
