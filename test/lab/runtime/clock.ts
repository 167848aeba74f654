const system = Date.now
let shift = 0

/** Moves the wall clock of this thread: from now on it shows the system's time and so many ms more. */
export function moveClock(ms: number): void {
  shift = ms
}

/** Puts a clock that can be moved in place of `Date`. `performance.now` and `process.hrtime` go on as they are. */
export function makeClockMovable(): void {
  const now = (): number => system() + shift
  Date.now = now
  globalThis.Date = new Proxy(Date, {
    construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
  })
}
