/** What a process of the fleet is told at its start. */
export interface Wiring {
  readonly issuer: string
  readonly redis: { readonly host: string; readonly port: number }
  readonly upstash: { readonly url: string; readonly token: string }
  readonly dynamoDB: { readonly url: string; readonly table: string }
}

/** What the parent sends: to prepare a new instance for a key, then when to ask, in ms since 1970. */
export type Order =
  | { readonly type: 'prepare'; readonly variant: string; readonly key: string }
  | { readonly type: 'go'; readonly at: number }

/** What a process answers. `ended` in ms since 1970. */
export type Answer =
  | { readonly type: 'ready'; readonly error?: string }
  | { readonly type: 'done'; readonly ended: number; readonly token?: string; readonly error?: string }

/** A new instance of one way, with empty memory; connections are those of the process. */
export interface Opened {
  get(key: string): Promise<string>
  close?(): Promise<unknown>
}

/** One way to have the processes of a fleet share a fetch. */
export interface FleetVariant {
  readonly name: string
  readonly part?: 'limit' | 'ours'
  open(wiring: Wiring): Promise<Opened>
}

/** An hour, in ms. */
export const HOUR = 3_600_000
/** How long a lock may be held, in ms. */
export const LOCK = 10_000
