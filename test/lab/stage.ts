import { setTimeout as sleep } from 'node:timers/promises'
import { type Lab, startLab } from './lab.ts'
import { type Deployed, packaged } from './packaged.ts'
import { startWorld, type World } from './world.ts'

/** What a scenario has to play with. */
export interface Stage {
  readonly lab: Lab
  readonly world: World
  /** How many environments a burst has. */
  readonly environments: number
  /** Adds a line to the transcript. */
  say(what: string): void
  /** Lets it be so many ms later for the environments and the table, not for the issuer and the API. */
  later(ms: number): void
  /** Lets real time pass. */
  wait(ms: number): Promise<void>
}

/** A course of events, and what must come of it. */
export interface Scenario {
  readonly title: string
  readonly deployed: Deployed
  /** Life of a token in ms. Default one hour. */
  readonly tokenLifetime?: number
  /** How an answer reads in the transcript. Default: status and tier. */
  readonly describe?: (result: unknown) => string
  /** Whether the lines are counted, because their order is not determined. */
  readonly counted?: boolean
  /** The transcript. */
  expects(environments: number): readonly string[]
  play(stage: Stage): Promise<void>
}

/** What came of a scenario. */
export interface Played {
  readonly transcript: readonly string[]
  /** Everything that the environments printed or answered: nothing secret may be in it. */
  readonly shown: string
}

/** Only a fault meets it: generous for 200 environments on two cores, in ms. */
const BOUND = 180_000

/** Plays a scenario in a lab and a world of its own. */
export async function play(scenario: Scenario, environments: number): Promise<Played> {
  const transcript: string[] = []
  const answers: string[] = []
  const say = (what: string): void => void transcript.push(what)
  const describe = (result: unknown): string => {
    answers.push(JSON.stringify(result))
    return (scenario.describe ?? describeTier)(result)
  }
  const { tokenLifetime, deployed } = scenario
  const code = await packaged(deployed)
  const world = await startWorld({ say, ...(tokenLifetime !== undefined && { tokenLifetime }) })
  const lab = await startLab({
    ...code,
    environment: (temporary) => ({ ...world.environment, TOKEN_DIRECTORY: `${temporary}/warmtoken` }),
    movableClock: true,
    describe,
    onEvent: say,
  })
  try {
    const playing = scenario.play({
      lab,
      world,
      environments,
      say,
      later(ms) {
        say(`time: ${ms / 60_000} minutes later`)
        lab.moveClock(ms)
        world.moveClock(ms)
      },
      async wait(ms) {
        await sleep(ms)
        say(`time: ${ms / 1_000} s have passed`)
      },
    })
    await Promise.race([playing, tooLate(playing, transcript)])
  } finally {
    await lab.close()
    await world.close()
  }
  return {
    transcript: scenario.counted ? count(transcript) : transcript,
    shown: `${lab.output()}\n${answers.join('\n')}`,
  }
}

/** Rejects when a scenario does not come to its end, and shows how far it came. */
async function tooLate(playing: Promise<void>, transcript: readonly string[]): Promise<void> {
  const over = new AbortController()
  playing.finally(() => over.abort()).catch(() => {})
  await sleep(BOUND, undefined, { signal: over.signal }).catch(() => {})
  if (!over.signal.aborted) throw new Error(`the scenario stands still after:\n${transcript.join('\n')}`)
  await playing
}

/** `answers 200 from memory`, of an answer of the example or of the lab's own functions. */
function describeTier(result: unknown): string {
  const { status, tier } = fieldsOf(result)
  return `answers ${status} from ${tier}`
}

/** Status and tier of an answer, whichever function gave it. */
export function fieldsOf(result: unknown): {
  readonly status: unknown
  readonly tier: unknown
  readonly thread: unknown
} {
  const answer: { statusCode?: unknown; body?: unknown } = Object(result)
  const body = typeof answer.body === 'string' ? JSON.parse(answer.body) : result
  return { status: body.status ?? answer.statusCode, tier: body.tier, thread: body.thread }
}

/** The lines without the names of environments, each with how often it is there. */
function count(transcript: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const line of transcript) {
    const nameless = line.replace(/^([A-Z]|\d+): /, '')
    counts.set(nameless, (counts.get(nameless) ?? 0) + 1)
  }
  return [...counts].map(([line, times]) => `${times} × ${line}`).sort()
}
