import { asFields, matches } from '../lib/parse.ts'

/** Stands for a key that is not one of this library's, and for what exceeds a bound. */
export const OTHER = 'other'

/** What ready-made listeners need of any event: of tokens, caches and sessions alike. */
export interface Observed {
  readonly type: string
  readonly key?: string | undefined
  readonly name?: string | undefined
}

/** The name of a token, else the readable start of its key. Never the hash of an identity. */
export function labelOf({ key, name }: Pick<Observed, 'key' | 'name'>): string {
  if (matches(name, /^\P{C}{1,64}$/u)) return name
  return /^([a-z0-9-]{1,24})~[^~]*$/.exec(key ?? '')?.[1] ?? OTHER
}

/** Whether something is an event: a subscriber of the channel may be handed anything. */
export function isObserved(event: unknown): event is Observed {
  return typeof asFields(event)?.['type'] === 'string'
}
