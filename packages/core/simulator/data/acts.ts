import type { Switches } from '../../src/data/control.ts'
import type { DataGetOptions } from '../../src/data/types.ts'
import type { Process } from '../process.ts'
import { type Environment, valueNow } from './environment.ts'
import { AIMS, ALL, lateTagsOf, nextValue, type Params, plainOf, type Value } from './truth.ts'
import type { Answered } from './witness.ts'
import type { DataWorld } from './world.ts'

/** One more new key than an environment asks for leases for within a second. */
const FLOOD = 51
/** Less time than an outage of the store may take of a get: two timeouts of it, twice, and a load. In ms. */
const SHORT_TIMEOUT = 3_000
/** One more than the root record holds. */
const PATTERNS = 33

/** One thing that an environment does, by lot. */
export async function act(world: DataWorld, environment: Environment): Promise<void> {
  const { random } = world
  const params = random.pick(ALL)
  const lot = random.next()
  if (lot < 0.45) return getSome(world, environment, params)
  if (lot < 0.58) return getBatch(world, environment)
  if (lot < 0.62) return look(world, environment, params)
  if (lot < 0.76) return invalidate(world, environment)
  if (lot < 0.8) return changeKey(world, environment, params, 'set')
  if (lot < 0.83) return changeKey(world, environment, params, 'delete')
  if (lot < 0.86) return meet(world, environment, params)
  if (lot < 0.87) return overlap(world, environment, params)
  if (lot < 0.92) return update(world, environment, params)
  if (lot < 0.95) return touch(world, environment, params)
  if (lot < 0.98) return control(world, environment)
  if (!random.chance(0.15)) return
  // More patterns than the root holds: the oldest are folded.
  for (let n = 0; n < PATTERNS; n += 1) await ignoring(environment.cache.invalidate({ match: `*:z${n}` }))
}

/** What an environment is asked for when it starts: more new keys than it asks for leases for, then some that may exist. */
export async function flood(world: DataWorld, environment: Environment): Promise<void> {
  const { nothing } = environment
  for (let n = 0; n < FLOOD; n += 1) void ignoring(nothing.get({ n: world.random.between(0, 1e9) }))
  await Promise.all(ALL.map((params) => getOne(world, environment, params)))
}

async function ignoring(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {})
}

/** One get, or several that meet in one flight. */
async function getSome(world: DataWorld, environment: Environment, params: Params): Promise<void> {
  const { random } = world
  const first = getOne(world, environment, params)
  const others: Promise<void>[] = []
  while (random.chance(0.4)) {
    await environment.process.sleep(random.between(0, 400))
    others.push(getOne(world, environment, params))
  }
  await Promise.all([first, ...others])
}

/** A get whose look meets a change of the same environment, and one after it. */
async function meet(world: DataWorld, environment: Environment, params: Params): Promise<void> {
  const { random } = world
  const { process } = environment
  const first = getOne(world, environment, params)
  await process.sleep(random.between(0, 30))
  await changeKey(world, environment, params, random.pick(['set', 'delete']))
  await getOne(world, environment, params)
  await process.sleep(random.between(0, 20))
  await Promise.all([first, getOne(world, environment, params)])
}

/** Two changes of a key, of which the second begins once the store has applied the first: the first may be answered last. */
async function overlap(world: DataWorld, environment: Environment, params: Params): Promise<void> {
  const { random, truth, writing, backend, saw, tell } = world
  const { process, resource } = environment
  const plain = plainOf(params)
  if (writing.has(plain)) return
  writing.add(plain)
  const n = nextValue((truth.get(plain) ?? 0) + 1)
  truth.set(plain, n)
  const value = valueNow(world, params)
  // What others load meanwhile has no mark: it does not show the first change.
  const mark = `overlapped by ${process.name} ${n}`
  let isOver = false
  tell(() => `${process.name} sets ${plain}: ${n}, and will not wait`)
  const first = value && resource.set(params, value, { tags: lateTagsOf(params), mark })
  const ended = ignoring(Promise.resolve(first)).then(() => {
    isOver = true
  })
  const isApplied = (): boolean =>
    (backend.keys('p:') ?? []).some(
      (key) => key.startsWith(`${plain}~`) && backend.image(key)?.body.includes(mark) === true,
    )
  while (!isOver && !isApplied()) await process.sleep(1)
  if (!isOver) saw('overlap')
  writing.delete(plain)
  await changeKey(world, environment, params, random.pick(['set', 'delete']))
  const got = getOne(world, environment, params)
  await ended
  await Promise.all([got, getOne(world, environment, params)])
}

/** Notes the question now; the answer goes to the witness. */
function ask(
  { schedule, kind, witness, counts, truth, tell }: DataWorld,
  { process, known }: Environment,
  { params, from: told }: { readonly params: Params; readonly from?: Answered['from'] | undefined },
): (value: Value | undefined) => void {
  const plain = plainOf(params)
  // Where it is switched, or flooded, what is stored is served whatever was asked for, and loads are shared without a look.
  const isBound = kind.switches || kind.floods
  const from = isBound ? 'memory' : (told ?? (known.has(plain) ? 'memory' : 'store'))
  const question: Omit<Answered, 'value'> = {
    params,
    process,
    beganAt: schedule.now(),
    from,
    began: truth.get(plain) ?? 0,
  }
  known.add(plain)
  counts.calls += 1
  tell(() => `${process.name} asks for ${plain}`)
  return (value) => {
    tell(() => `${process.name} has ${plain}: ${value?.n}`)
    witness.onAnswer({ ...question, value })
  }
}

function drawOptions({ random }: DataWorld): DataGetOptions | undefined {
  const timeout = random.pick([SHORT_TIMEOUT, 10_000])
  if (random.chance(0.05)) return { maxAge: 0, timeout }
  return random.chance(0.3) ? { timeout } : undefined
}

/** One get. It may fail as long as there is trouble. */
export async function getOne(world: DataWorld, environment: Environment, params: Params): Promise<void> {
  const { process, resource } = environment
  const options = drawOptions(world)
  const answer = ask(world, environment, { params, from: options?.maxAge === 0 ? 'loader' : undefined })
  try {
    answer(await resource.get(params, options))
  } catch (error) {
    onFailure(world, process, { params, options }, error)
  }
}

/** A get was rejected. */
function onFailure(
  { witness, tell }: DataWorld,
  process: Process,
  { params, options }: { readonly params: Params; readonly options: DataGetOptions | undefined },
  error: unknown,
): void {
  tell(() => `${process.name} failed: ${String(error)}`)
  witness.onFailure({ process, plain: plainOf(params), isPatient: options?.timeout !== SHORT_TIMEOUT }, error)
}

/** Many by one call, some of them twice. */
async function getBatch(world: DataWorld, environment: Environment): Promise<void> {
  const { random, witness, saw } = world
  const { process, resource } = environment
  const list = Array.from({ length: Math.ceil(random.between(1, 6)) }, () => random.pick(ALL))
  const options = drawOptions(world)
  // A batch does not read again what generations were a moment ago, so even what it reads obeys the bound only.
  const from = options?.maxAge === 0 ? 'loader' : 'memory'
  const answers = list.map((params) => ask(world, environment, { params, from }))
  const results = await resource.getMany(list, options)
  saw('batch')
  if (results.length !== list.length) witness.violate('V8', `${list.length} were asked for, ${results.length} answered`)
  for (const [index, result] of results.entries()) {
    const params = list[index]
    if (result instanceof Error && params !== undefined) onFailure(world, process, { params, options }, result)
    else if (!(result instanceof Error)) answers[index]?.(result)
  }
}

/** What is in memory, or in the store. */
async function look(world: DataWorld, environment: Environment, params: Params): Promise<void> {
  const { random } = world
  const { resource } = environment
  if (random.chance(0.5)) {
    const value = resource.peek(params)
    if (value !== undefined) ask(world, environment, { params })(value)
    return
  }
  const live = random.chance(0.5)
  const answer = ask(world, environment, { params, from: live ? 'store' : undefined })
  const found = await resource.inspect(params, { live }).catch(() => undefined)
  if (found !== undefined) answer(found.value)
}

/** Changes the truth of some keys, then invalidates them. */
async function invalidate(world: DataWorld, { process, cache }: Environment): Promise<void> {
  const { random, truth, writing, witness, saw, tell } = world
  const { what, keys, isLate = false } = random.pick(AIMS)
  if (keys.some((params) => writing.has(plainOf(params)))) return
  const isSoft = random.chance(0.25)
  const states = new Map<string, number>()
  for (const params of keys) {
    const plain = plainOf(params)
    truth.set(plain, (truth.get(plain) ?? 0) + 1)
    states.set(plain, truth.get(plain) ?? 0)
  }
  tell(() => `${process.name} invalidates ${JSON.stringify(what)} ${isSoft ? 'softly' : ''}`)
  try {
    await cache.invalidate({ ...what, stale: isSoft })
  } catch {
    saw('invalidation failed')
    return
  }
  saw(isSoft ? 'soft invalidation' : 'invalidation')
  tell(() => `${process.name} has invalidated ${JSON.stringify(what)}`)
  witness.onResolved(keys, { n: (plain) => states.get(plain) ?? 0, isSoft, sparesNone: isLate, process })
}

/** Changes the truth of a key, then writes or deletes the key. */
async function changeKey(
  world: DataWorld,
  { process, resource, known }: Environment,
  params: Params,
  how: 'set' | 'delete',
): Promise<void> {
  const { truth, writing, witness, saw, tell } = world
  const plain = plainOf(params)
  if (writing.has(plain)) return
  writing.add(plain)
  known.add(plain)
  const next = (truth.get(plain) ?? 0) + 1
  const n = how === 'set' ? nextValue(next) : next
  truth.set(plain, n)
  tell(() => `${process.name} ${how}s ${plain}: ${n}`)
  try {
    const value = valueNow(world, params)
    if (how === 'set' && value !== undefined) await resource.set(params, value, { tags: lateTagsOf(params) })
    else await resource.delete(params)
    saw(how)
    tell(() => `${process.name} did ${how} ${plain}: ${n}`)
    witness.onResolved([params], { n: () => n, isSoft: false, sparesNone: false, process })
  } catch {
    saw(`${how} failed`)
  } finally {
    writing.delete(plain)
  }
}

/** Changes what is there; makes a value where there is none, and that is then the truth. */
async function update(world: DataWorld, { resource, known }: Environment, params: Params): Promise<void> {
  const { truth, writing, witness, saw } = world
  const plain = plainOf(params)
  if (writing.has(plain)) return
  writing.add(plain)
  known.add(plain)
  const onRenewed = witness.onRenew(plain)
  let created: number | undefined
  const change = (value: Value | undefined): Value => {
    if (value !== undefined) return { ...value, updates: value.updates + 1 }
    created ??= nextValue((truth.get(plain) ?? 0) + 1)
    truth.set(plain, created)
    return { of: plain, n: created, updates: 0, created: true }
  }
  try {
    await resource.update(params, change, { tags: lateTagsOf(params) })
    saw(created === undefined ? 'update' : 'update of nothing')
  } catch {
    saw('update failed')
  } finally {
    onRenewed()
    writing.delete(plain)
  }
}

async function touch({ witness, saw }: DataWorld, { resource, known }: Environment, params: Params): Promise<void> {
  known.add(plainOf(params))
  const onRenewed = witness.onRenew(plainOf(params))
  const isThere = await resource.touch(params).catch(() => false)
  onRenewed()
  if (isThere) saw('touch')
}

/** Switches something, of this resource or of another. */
export async function control({ random, kind, saw }: DataWorld, { cache }: Environment): Promise<void> {
  const isOn = random.chance(0.5)
  const own = random.pick<Switches>([{ enabled: !isOn }, { readOnly: isOn }, { bypass: isOn }])
  try {
    await cache.control({ sources: kind.switches ? { p: own } : { other: { bypass: isOn } } })
    saw(kind.switches ? 'control' : 'control of another')
  } catch {
    saw('control failed')
  }
}
