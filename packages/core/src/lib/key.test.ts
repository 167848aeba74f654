import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../contracts.ts'
import { canonical, makeKey } from './key.ts'

const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' }).map((value) => value as Json)

/** The same value with the names of all objects in another order. */
function reordered(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((item: Json) => reordered(item))
  const fields = Object.entries(value as { readonly [name: string]: Json })
  return Object.fromEntries(fields.toReversed().map(([name, item]) => [name, reordered(item)]))
}

describe('the canonical form', () => {
  it('does not depend on the order of names', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonical(reordered(value))).toBe(canonical(value))
      }),
    )
  })

  it('is the same for two values only if they are equal', () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        const equal = JSON.stringify(JSON.parse(canonical(one))) === JSON.stringify(JSON.parse(canonical(other)))
        expect(canonical(one) === canonical(other)).toBe(equal)
        // And nothing is lost on the way: what it says is the value.
        expect(JSON.parse(canonical(one))).toEqual(JSON.parse(JSON.stringify(one)))
      }),
    )
  })

  it.each([
    ['parts that would run together', ['a', 'bc'], ['ab', 'c']],
    ['a text that looks like a list', ['a","b'], ['a', 'b']],
    ['a text that looks like a number', '1', 1],
    ['nothing and the word for it', null, 'null'],
    ['an absent and an empty list', {}, { a: [] }],
    ['a name that holds a separator', { 'a":1,"b': 2 }, { a: 1, b: 2 }],
    ['half a character and its replacement', '\ud800', '\ufffd'],
  ] as const)('distinguishes %s', (_name, one, other) => {
    expect(canonical(one)).not.toBe(canonical(other))
  })

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['an endless number', Number.POSITIVE_INFINITY],
    ['a date', new Date()],
    ['a map', new Map([['tenant', 'one']])],
    ['a list with undefined in it', [undefined]],
    ['an object of a class', { inside: new URL('https://example.com') }],
  ])('refuses %s: two of them must never be one key', (_name, value) => {
    expect(() => canonical(value as unknown as Json)).toThrow(TypeError)
  })

  it('refuses what nests without end', () => {
    const loop: { again?: unknown } = {}
    loop.again = loop
    expect(() => canonical(loop as unknown as Json)).toThrow(TypeError)
  })
})

describe('a key', () => {
  it('is readable in front and a hash behind, whatever goes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), json, (namespace, identity) => {
        expect(makeKey('oauth2', namespace, identity)).toMatch(/^oauth2~[0-9a-f]{40}$/)
      }),
    )
  })

  it('differs by kind, namespace and identity, and never by how they are joined', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), fc.string(), (a, b, c, d) => {
        fc.pre(a !== c || b !== d)
        expect(makeKey('x', a, b)).not.toBe(makeKey('x', c, d))
      }),
    )
  })
})
