import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Envelope, parseEnvelope, printEnvelope } from './envelope.ts'

const under = { tags: [['team:7', 5]], root: 9 } as const

describe('an envelope', () => {
  it('comes back from its text with any JSON value, also null and __proto__', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.option(fc.string({ maxLength: 50 }), { nil: undefined }), (value, mark) => {
        const kept = JSON.parse(JSON.stringify(value))
        const envelope: Envelope = {
          content: { kind: 'value', value: kept },
          under,
          ...(mark !== undefined && { mark }),
        }
        expect(parseEnvelope(JSON.parse(JSON.stringify(printEnvelope(envelope))))).toEqual(envelope)
      }),
    )
    const odd = JSON.parse('{"__proto__":{"admin":true}}')
    const back = parseEnvelope(
      JSON.parse(JSON.stringify(printEnvelope({ content: { kind: 'value', value: odd }, under }))),
    )
    expect(back?.content).toEqual({ kind: 'value', value: odd })
    const content = back?.content
    expect(content?.kind === 'value' && Object.hasOwn(Object(content.value), '__proto__')).toBe(true)
  })

  it('tells a value apart from "there is none" and from a body that lies elsewhere', () => {
    const none: Envelope = { content: { kind: 'none' }, under }
    expect(parseEnvelope(printEnvelope(none))).toEqual(none)
    const apart: Envelope = { content: { kind: 'body', pointer: { key: 'body~x', length: 9_000, isFar: true } }, under }
    expect(parseEnvelope(printEnvelope(apart))).toEqual(apart)
  })

  it.each([
    ['no object', 'text'],
    ['no tags', { value: 1, root: 0 }],
    ['a tag without a number', { value: 1, root: 0, tags: [['a']] }],
    ['an empty tag', { value: 1, root: 0, tags: [['', 1]] }],
    ['too many tags', { value: 1, root: 0, tags: Array.from({ length: 33 }, (_, index) => [`t${index}`, 1]) }],
    ['a negative number', { value: 1, root: -1, tags: [] }],
    ['a body without a length', { body: ['body~x'], root: 0, tags: [] }],
    ['a mark that is not a string', { value: 1, root: 0, tags: [], mark: 1 }],
  ])('is refused with %s', (_what, json) => {
    expect(parseEnvelope(json)).toBeUndefined()
  })
})
