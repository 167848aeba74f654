/** The package has types, but its `exports` do not lead to them. */
declare module 'redlock' {
  export default class Redlock {
    constructor(clients: readonly object[], settings: object)
    on(event: 'error', listener: (error: Error) => void): void
    using<T>(resources: readonly string[], duration: number, work: () => Promise<T>): Promise<T>
  }
}
