import assert from 'node:assert/strict'
import { assertThere, type Trial } from './kit.ts'

const BODY_LIMIT = 262_144

/** Texts that a careless encoding, deserialization or line format changes. */
const BODIES: readonly string[] = [
  '',
  ' ',
  '\n',
  '\r\n leading and trailing \r\n\n',
  '0',
  '123',
  '1e3',
  '12345678901234567890',
  'null',
  'true',
  '"quoted"',
  '[1,2]',
  '{"a":{"b":"c"}}',
  'OK',
  'QUJD',
  'YWJj\nREVG',
  '=',
  '\ufeffmark first',
  'Zürich 東京 😀 e\u0301',
  '\u0001\u007f\t\\',
  '%2F+%20&amp;<x/>',
]

const TAGS: readonly string[] = ['12345678901234567890', 'QUJD', '"quoted"', '1e3', 'null', 'OK', 'a b%20=+']

/** Names that a path, a query, a pattern or a case-blind file system would confuse with one another. */
const NAMES: readonly string[] = [
  'a/b',
  'a%2Fb',
  'a//b',
  'a/./b',
  'a/../b',
  '/a',
  'a/',
  '.',
  '..',
  'A',
  'a',
  'a b',
  'a+b',
  'a%20b',
  'a?b=c&d',
  'a#b',
  'a*[b]{c}',
  'a\'b"c`d$e',
  'a\\b',
  'ä',
  'a\u0308',
  '東京😀',
  'a~b|c^d;e:f@g,h!i(j)',
  '{a}b',
  'x'.repeat(150),
]

/** What records and keys may consist of. */
export const contents: Readonly<Record<string, Trial>> = {
  'bodies come back to the letter': async ({ key, read, put }) => {
    for (const body of BODIES) {
      const name = key()
      assertThere(await put(name, undefined, { body }), await read(name))
    }
    return 'pass'
  },

  'big bodies come back whole': async ({ key, read, put, subject }) => {
    const length = subject.bodyLimit ?? BODY_LIMIT
    for (const unit of ['x', '漢字kana']) {
      const name = key()
      const body = unit.repeat(Math.floor(length / Buffer.byteLength(unit)))
      const first = await put(name, undefined, { body })
      assertThere(first, await read(name))
      assertThere(await put(name, first, { body: body.slice(1) }), await read(name))
    }
    return 'pass'
  },

  'tags are compared as text': async ({ key, read, put, write, settle }) => {
    for (const tag of TAGS) {
      const name = key()
      const image = await put(name, undefined, { tag })
      assert.equal((await settle(name, write({ ...image, tag: `${tag}0`, mark: 'x' }))).outcome, 'conflict')
      assertThere(await put(name, (await read(name)).image), await read(name))
    }
    return 'pass'
  },

  'odd keys are keys of their own': async ({ key, read, put }) => {
    const prefix = key('')
    const images = new Map<string, { body: string; tag: string }>()
    for (const name of NAMES) images.set(prefix + name, await put(prefix + name))
    for (const [name, image] of images) assertThere(image, await read(name))
    return 'pass'
  },

  'a key may be any short text': async ({ read }) => {
    const salt = crypto.randomUUID().slice(0, 8)
    for (const name of ['.', '..', '/', `//${salt}`, `../${salt}`, `?${salt}`, `%00${salt}`]) {
      const { image } = await read(name)
      assert.ok(image === undefined || typeof image.tag === 'string')
    }
    return 'pass'
  },
}
