/** A part of the bill. */
export interface CostLine {
  readonly what: string
  readonly requests: number
  readonly dollars: number
  /** How both were found. */
  readonly formula: string
}

/** One way to run something. */
export interface Placement {
  readonly name: string
  readonly lines: readonly CostLine[]
  readonly dollars: number
}

/** A placement with the sum of its lines. */
export function placement(name: string, lines: readonly CostLine[]): Placement {
  return { name, lines, dollars: lines.reduce((sum, { dollars }) => sum + dollars, 0) }
}

interface Billed {
  readonly requests: number
  /** US dollars for one. */
  readonly each: number
  readonly formula: string
}

/** A line with its dollars. The formula ends with the price of a million. */
export function bill(what: string, { requests, each, formula }: Billed): CostLine {
  const perMillion = Number((each * 1e6).toPrecision(4))
  return { what, requests, dollars: requests * each, formula: `${formula}; $${perMillion} a million` }
}
