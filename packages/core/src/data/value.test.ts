import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkValue, freezeValue, MAX_VALUE_DEPTH, ValueError } from './value.ts'

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)]
}

describe('a value', () => {
  it('is accepted when it comes back from JSON the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        checkValue('notes', value)
        expect(JSON.parse(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
    checkValue('notes', nested(MAX_VALUE_DEPTH))
    checkValue('notes', JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}'))
  })

  const cycle: { self?: unknown } = {}
  cycle.self = [cycle]
  const secret = 'MARKED-secret'
  it.each([
    ['a cycle', cycle, '$.self[0] is a cycle'],
    ['a BigInt', { a: 1n }, '$.a is a bigint'],
    ['a function', { a: [() => 1] }, '$.a[0] is a function'],
    ['a symbol', Symbol(secret), '$ is a symbol'],
    ['undefined inside', { a: undefined, b: secret }, '$.a is undefined'],
    ['a hole in a list', [1, new Array(1)], '$[1][0] is undefined'],
    ['NaN', { a: Number.NaN }, '$.a is NaN'],
    ['a Date', { at: new Date() }, '$.at is an object with a prototype'],
    ['a Map', new Map([[secret, secret]]), '$ is an object with a prototype'],
    ['what nests too deeply', nested(MAX_VALUE_DEPTH + 1), `nested deeper than ${MAX_VALUE_DEPTH}`],
  ])('is refused with %s, and the place is named without the value', (_what, value, message) => {
    const error = (() => {
      try {
        checkValue('notes', value)
        return undefined
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toBeInstanceOf(ValueError)
    expect(error).toMatchObject({ resource: 'notes' })
    expect(String(error)).toContain(`a value of notes cannot be kept`)
    expect(String(error)).toContain(message)
    expect(String(error)).not.toContain(secret)
  })

  it('is frozen with everything in it', () => {
    const value = freezeValue({ list: [{ a: 1 }] })
    expect(() => {
      ;(value.list[0] as { a: number }).a = 2
    }).toThrow(TypeError)
  })
})
