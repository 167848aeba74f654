import { expect, it } from 'vitest'
import { createTopics } from './topics.ts'
import type { LiveEvent } from './types.ts'

const event = (key: string, version: number, kind: LiveEvent['kind'] = 'publish'): LiveEvent => ({
  topic: 'tag:posts',
  key,
  version,
  kind,
  at: 0,
})

function listening() {
  const topics = createTopics()
  const heard: string[] = []
  const listener = ({ key, version, kind }: LiveEvent): void => void heard.push(`${kind} ${key} ${version}`)
  topics.add('tag:posts', listener)
  return { topics, heard, listener }
}

it('calls a listener for rising versions of each key, however often and in whatever order they come', () => {
  const { topics, heard } = listening()
  for (const version of [2, 1, 2, 3, 3, 1]) topics.tell(event('a', version))
  topics.tell(event('b', 1))
  topics.tell(event('a', 3, 'reject'))
  topics.tell(event('a', 3))
  topics.tell({ ...event('a', 9), topic: 'tag:other' })
  expect(heard).toEqual(['publish a 2', 'publish a 3', 'publish b 1', 'reject a 3'])
})

it('knows the versions of 10,000 keys at most, so that memory stays flat: the oldest may be told once more', () => {
  const { topics, heard } = listening()
  for (let n = 0; n < 10_001; n += 1) topics.tell(event(`k${n}`, 1))
  expect(heard.length).toBe(10_001)
  topics.tell(event('k10000', 1))
  topics.tell(event('k1', 1))
  expect(heard.length).toBe(10_001)
  topics.tell(event('k0', 1))
  expect(heard.at(-1)).toBe('publish k0 1')
})

it('forgets the versions of a topic that nobody follows any more, and keeps those of the others', () => {
  const { topics, heard, listener } = listening()
  const other = (): void => {}
  expect(topics.add('tag:posts', other)).toBe(false)
  topics.tell(event('a', 1))
  expect(topics.remove('tag:posts', other)).toBe(false)
  expect(topics.remove('tag:posts', listener)).toBe(true)
  expect(topics.remove('tag:posts', listener)).toBe(false)
  expect(topics.names()).toEqual([])
  expect(topics.add('tag:posts', listener)).toBe(true)
  topics.tell(event('a', 1))
  expect(heard).toEqual(['publish a 1', 'publish a 1'])
})
