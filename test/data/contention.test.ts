import { createCache } from '@warmtoken/core/data'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dynalite } from '../stores/backends/dynamodb.ts'
import { upstashOverRedis } from '../stores/backends/upstash.ts'
import { onEach } from '../stores/each-backend.ts'
import { makeProgram, type Program } from '../stores/fleet/program.ts'
import { FLEET_PROCESS, startMembers, startTruth } from './fleet.ts'

const PROCESSES = 50
const RECHECK = 1_000

let program: Program | undefined
beforeAll(async () => {
  program = await makeProgram(FLEET_PROCESS)
})
afterAll(() => program?.close())

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

describe('an invalidation', () => {
  onEach([dynalite, upstashOverRedis], (stage) => {
    it('is seen by each of fifty processes within recheck, also by one that was frozen across it', async () => {
      if (program === undefined) throw new Error('the program of the processes was not made')
      const { running } = stage()
      const url = running.url ?? ''
      const store = running.connect(url)
      const truth = await startTruth()
      const name = `fleet-${crypto.randomUUID().slice(0, 8)}`
      const kind = store.name === 'upstash' ? 'upstash' : 'dynamodb'
      const members = await startMembers(program, PROCESSES, {
        store: kind,
        url,
        truth: truth.url,
        name,
        recheck: RECHECK,
      })
      open.push(truth, { close: () => members.forEach((member) => void member.end()) })
      expect(await Promise.all(members.map((member) => member.get()))).toEqual(Array(PROCESSES).fill(1))
      expect(truth.loads()).toBe(1)
      const [frozen, ...others] = members
      frozen?.freeze()
      truth.value = 2
      await createCache({ name, store, storeTimeout: 30_000 }).invalidate({ match: 'project:42:*' })
      await new Promise((resolve) => setTimeout(resolve, RECHECK))
      expect(await Promise.all(others.map((member) => member.get()))).toEqual(Array(PROCESSES - 1).fill(2))
      frozen?.thaw()
      expect(await frozen?.get()).toBe(2)
      expect(truth.loads()).toBe(2)
    }, 180_000)
  })
})
