import { type Home, rootTopicOf } from './home.ts'
import { readTags } from './read-generations.ts'
import type { CacheChange } from './types.ts'

/**
 * Takes in a live event: the value that it is about is looked up again by the next caller, and an invalidation is read now, so that
 * it holds at once and not within `recheck`. Never rejects: what cannot be read now is found by the recheck.
 */
export async function catchUp(home: Home, { topic, version }: CacheChange): Promise<void> {
  const { memory, knowledge } = home
  const [kind = '', rest = ''] = topic.split(/:(.*)/s, 2)
  if (kind === 'key') {
    const slot = memory.get(rest)?.slot
    if (slot?.entry === undefined || slot.entry.version >= Math.floor(version)) return
    slot.usableUntil = 0
    slot.freshUntil = 0
    return
  }
  const isMine = kind === 'tag' || topic === rootTopicOf(home.rootKey)
  const tag = kind === 'tag' ? rest : ''
  if (!isMine || memory.size() === 0 || knowledge.numberOf(tag) >= version) return
  await home.reach()
  await readTags(home, tag === '' ? [] : [tag]).catch(() => undefined)
}
