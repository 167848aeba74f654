import { inspect } from 'node:util'

/** How deep and how far an object is walked. */
const MAX_DEPTH = 20
const MAX_OBJECTS = 50_000

function attempt(show: () => unknown): string {
  try {
    return String(show())
  } catch (error) {
    return `(${inspect(error)})`
  }
}

/** Every own property, enumerable or not, names and symbols, of everything that can be reached. No getter is called. */
function walk(value: unknown): readonly string[] {
  const texts: string[] = []
  const seen = new Set<object>()
  const visit = (one: unknown, depth: number): void => {
    if (typeof one === 'string') texts.push(one)
    if ((typeof one !== 'object' && typeof one !== 'function') || one === null) return
    if (seen.has(one) || depth > MAX_DEPTH || seen.size > MAX_OBJECTS) return
    seen.add(one)
    if (ArrayBuffer.isView(one)) {
      texts.push(Buffer.from(one.buffer, one.byteOffset, one.byteLength).toString('latin1'))
      return
    }
    if (one instanceof Map || one instanceof Set) for (const item of one) visit(item, depth + 1)
    for (const name of Reflect.ownKeys(one)) {
      texts.push(String(name))
      visit(Reflect.getOwnPropertyDescriptor(one, name)?.value, depth + 1)
    }
  }
  visit(value, 0)
  return texts
}

/** All that anyone could get to see of a value: printed, inspected, as JSON, and property by property. */
export function everythingOf(value: unknown): string {
  return [
    attempt(() => String(value)),
    attempt(() => JSON.stringify(value)),
    attempt(() => JSON.stringify({ value })),
    attempt(() => inspect(value)),
    attempt(() => inspect(value, { showHidden: true, depth: Number.POSITIVE_INFINITY, maxArrayLength: null })),
    attempt(() => inspect(value, { showHidden: true, depth: Number.POSITIVE_INFINITY, customInspect: false })),
    ...walk(value),
  ].join('\n')
}
