/** Virtual time: what is to happen, in order. */
export interface Schedule {
  /** True time since the start of the run, in ms. */
  now(): number
  /** Does something after `ms`. Once `canceled` is set in what it returns, it is passed over. */
  after(ms: number, action: () => void): Cancelable
  /** Does the next thing that is not canceled. False when there is nothing left. */
  step(): boolean
}

/** A plan that can be given up. Most are: each request has a deadline, and nearly all of them are answered before. */
export interface Cancelable {
  canceled: boolean
}

interface Planned extends Cancelable {
  readonly at: number
  readonly order: number
  readonly action: () => void
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Makes an empty schedule: a binary heap by time, then by the order of planning. */
export function createSchedule(): Schedule {
  const heap: Planned[] = []
  let time = 0
  let order = 0

  const swap = (a: number, b: number): void => {
    const [first, second] = [heap[a], heap[b]]
    if (first === undefined || second === undefined) return
    heap[a] = second
    heap[b] = first
  }

  const comesBefore = (a: number, b: number): boolean => {
    const [first, second] = [heap[a], heap[b]]
    return first !== undefined && second !== undefined && isBefore(first, second)
  }

  const rise = (start: number): void => {
    for (let index = start; index > 0; ) {
      const parent = (index - 1) >> 1
      if (!comesBefore(index, parent)) return
      swap(index, parent)
      index = parent
    }
  }

  const sink = (): void => {
    for (let index = 0; ; ) {
      const left = 2 * index + 1
      const child = comesBefore(left + 1, left) ? left + 1 : left
      if (!comesBefore(child, index)) return
      swap(index, child)
      index = child
    }
  }

  const takeFirst = (): Planned | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    heap[0] = last
    sink()
    return first
  }

  return {
    now: () => time,
    after(ms, action) {
      const planned = { at: time + Math.max(0, ms), order: order++, action, canceled: false }
      heap.push(planned)
      rise(heap.length - 1)
      return planned
    },
    step() {
      let first = takeFirst()
      while (first?.canceled) first = takeFirst()
      if (first === undefined) return false
      time = first.at
      first.action()
      return true
    },
  }
}
