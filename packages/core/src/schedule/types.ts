/** What a plan is made of. Durations are in ms. @module */

/** A token handle: it is refreshed when it would not live until its next boundary. */
export interface HandleSource {
  get(options: { readonly minLifetime: number; readonly timeout: number }): Promise<unknown>
  readonly reject: unknown
}

/** Tokens that differ by parameters. */
export interface FamilySource<P> {
  for(params: P): HandleSource
}

/** Values that differ by parameters, such as a resource of a data cache: loaded again unless it is younger than `maxAge`. */
export interface ResourceSource<P> {
  get(params: P, options: { readonly maxAge: number; readonly timeout: number }): Promise<unknown>
}

/** What a plan can refresh. */
export type Refreshable = HandleSource | FamilySource<never> | ResourceSource<never>

/** The parameters of a source; `undefined` for a token handle. */
export type ParamsOf<S> = S extends HandleSource
  ? undefined
  : S extends FamilySource<infer P>
    ? P
    : S extends ResourceSource<infer P>
      ? P
      : never

/** When an item is due. */
export interface Times {
  /**
   * In ms, 60,000 to a year, or a text such as `15m`, `2h` or `1d`: at the multiples of it since 1970, in UTC. Either this or
   * `at`.
   */
  readonly every?: number | string
  /** Times of the day in the zone of the plan, `HH:MM` or `HH:MM:SS`; at most 24. */
  readonly at?: string | readonly string[]
}

/** How an item is run. */
export interface Rank {
  /** Its name in the record and in reports: letters, digits, `.`, `_`, `-`; at most 64. Unique within the plan. */
  readonly name: string
  /** Higher ones run first; among equals, the one that is due for longest. Default 0. */
  readonly priority?: number
  /** How many of a list are refreshed in one tick, at most. Default: all. */
  readonly limit?: number
}

/** What is refreshed: one value, or each of a list, which is asked for at each run. */
export type Targets<P> = P extends undefined
  ? { readonly params?: undefined; readonly list?: undefined }
  :
      | { readonly params: P; readonly list?: undefined }
      | { readonly list: readonly P[] | (() => readonly P[] | Promise<readonly P[]>); readonly params?: undefined }

/** An item of a plan, for a source of this type. */
export type Item<S> = Rank & Times & { readonly source: S } & Targets<ParamsOf<S>>

/** A plan as you write it. */
export interface PlanOptions<Sources extends readonly unknown[]> {
  /** The name of its record: letters, digits, `.`, `_`, `-`; at most 64. */
  readonly name: string
  /** An IANA time zone, for `at`. Default `UTC`. */
  readonly zone?: string
  /** 1 to 200. */
  readonly items: { readonly [Index in keyof Sources]: Item<Sources[Index]> }
}

/** A checked item. */
export interface PlannedItem {
  readonly name: string
  /** The longest time between two boundaries, in ms. */
  readonly every: number
  /** Empty: `every` decides. */
  readonly at: readonly string[]
  readonly priority: number
  readonly limit: number
  readonly isList: boolean
  /** Resolves to the parameters of all that is to be refreshed. */
  list(): Promise<readonly unknown[]>
  /** Refreshes one. `maxAge`: a value that is younger is good; `minLifetime`: the lifetime that a token must have left. */
  refresh(params: unknown, wanted: Wanted): Promise<unknown>
}

/** What a refresh must bring, in ms. */
export interface Wanted {
  readonly maxAge: number
  readonly minLifetime: number
  readonly timeout: number
}

/** A checked plan. */
export interface Plan {
  readonly name: string
  readonly zone: string
  readonly items: readonly PlannedItem[]
}
