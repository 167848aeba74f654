import { type Lab, startLab } from '../lab/lab.ts'
import type { Act } from './acts.ts'
import { variablesOf } from './artifact/start-environment.ts'
import { callableOf, type Trigger } from './routes.ts'
import type { Rehearsal } from './start-rehearsal.ts'

const RIGHT = 'dynamodb:GetItem'

/**
 * Runs the uploaded artifacts in the real runtime of Lambda, frozen between invocations: with the rights of their role,
 * and without one of them.
 */
export const inTheRuntime: Act = async (rehearsal) => {
  const told: string[] = []
  for (const trigger of callableOf(rehearsal.stack())) {
    await within(rehearsal, trigger, undefined, async (invoke) => {
      const outcomes = [await invoke(), await invoke()]
      const failed = outcomes.find(({ status }) => status !== 'answered')
      if (failed !== undefined) throw new Error(`${trigger.name}: ${JSON.stringify(failed)}`)
      told.push(`${trigger.name}: answered, before and after a freeze`)
    })
    await within(rehearsal, trigger, RIGHT, async (invoke) => {
      const text = JSON.stringify(await invoke())
      if (!text.includes(`the role needs ${RIGHT} on this table`)) throw new Error(`${trigger.name}: ${text}`)
      told.push(`${trigger.name} without ${RIGHT}: the error names it`)
    })
  }
  rehearsal.decisions()
  return told
}

type Invoke = () => ReturnType<ReturnType<Lab['environment']>['invoke']>

/** Gives `use` a new environment of the function, and ends it. */
async function within(
  rehearsal: Rehearsal,
  { functionName, event }: Trigger,
  without: string | undefined,
  use: (invoke: Invoke) => Promise<void>,
): Promise<void> {
  const { deployed, options } = rehearsal.deployed(functionName, without)
  const lab = await startLab({
    bundle: deployed.files,
    handler: String(deployed.properties['Handler']),
    environment: (temporary) => ({ ...variablesOf(deployed, options), TOKEN_DIRECTORY: temporary }),
  })
  try {
    const environment = lab.environment()
    await use(() => environment.invoke(event, { timeout: Number(deployed.properties['Timeout']) * 1_000 }))
  } finally {
    await lab.close()
  }
}
