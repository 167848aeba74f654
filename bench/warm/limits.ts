import { HOUR, TOKEN, type Variant } from './variant.ts'

function lookUp(): () => string | undefined {
  const map = new Map([['key', { value: TOKEN, until: Date.now() + HOUR }]])
  return () => {
    const entry = map.get('key')
    return entry !== undefined && Date.now() < entry.until ? entry.value : undefined
  }
}

/** What cannot be done with less. */
export const limits: readonly Variant[] = [
  { name: 'Map and Date.now()', form: 'sync', part: 'limit', open: async () => lookUp() },
  {
    name: 'async function over the Map',
    form: 'await',
    part: 'limit',
    open: async () => {
      const look = lookUp()
      return async () => look()
    },
  },
]
