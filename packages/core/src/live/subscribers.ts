/** How a call is made. */
export interface CallOptions {
  /** Ends the call, which then rejects. */
  readonly signal: AbortSignal
}

/** A page of the connections that follow a topic. */
export interface Page {
  /** Their ids, each once. */
  readonly connections: readonly string[]
  /** Where the next page begins; `undefined` when there is none. Opaque. */
  readonly next: string | undefined
}

/**
 * Which connections follow which topic: sets with many members that many change at once, which one record a topic could
 * not be. `subscribersConformance` of `@warmtoken/testing/live` checks it.
 */
export interface Subscribers {
  /** For events and errors. */
  readonly name: string
  /** Adds a connection to topics, until an instant in ms since 1970. Harmless to repeat; the later end holds. */
  add(topics: readonly string[], connection: string, until: number, options: CallOptions): Promise<void>
  /** Removes a connection from topics. Harmless to repeat. */
  drop(topics: readonly string[], connection: string, options: CallOptions): Promise<void>
  /**
   * Resolves to at most about `limit` connections of a topic whose end has not come, from a cursor on. It reflects every `add`
   * that was acknowledged before, and a connection that is there throughout is on one of the pages.
   */
  page(topic: string, cursor: string | undefined, limit: number, options: CallOptions): Promise<Page>
}

/** The gateway's end of connections. */
export interface Connections {
  /** For events and errors. */
  readonly name: string
  /**
   * Sends a text. `gone`: there is no such connection any more. `throttled`: too many calls, nothing was sent. Rejects when
   * it is not known what became of it.
   */
  post(connection: string, text: string, options: CallOptions): Promise<'sent' | 'gone' | 'throttled'>
  /** Closes a connection. Harmless when it is gone. */
  close(connection: string, options: CallOptions): Promise<void>
}

/** Subscribers in this process: for tests and for one machine. `wall`: its clock, default `Date.now`. */
export function memorySubscribers({ wall = Date.now }: { readonly wall?: () => number } = {}): Subscribers {
  const topics = new Map<string, Map<string, number>>()
  return {
    name: 'memory',
    async add(names, connection, until) {
      for (const name of names) {
        const members = topics.get(name) ?? new Map<string, number>()
        topics.set(name, members)
        members.set(connection, Math.max(until, members.get(connection) ?? 0))
      }
    },
    async drop(names, connection) {
      for (const name of names) {
        const members = topics.get(name)
        members?.delete(connection)
        if (members?.size === 0) topics.delete(name)
      }
    },
    async page(topic, cursor, limit) {
      const now = wall()
      const alive = [...(topics.get(topic) ?? [])].filter(([, until]) => until > now).map(([connection]) => connection)
      const rest = alive.sort().filter((connection) => cursor === undefined || connection > cursor)
      const connections = rest.slice(0, limit)
      return { connections, next: rest.length > limit ? connections.at(-1) : undefined }
    },
  }
}
