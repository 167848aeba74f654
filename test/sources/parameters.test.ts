import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { gitHubInstallation } from '@warmtoken/core/github'
import { jwtBearer } from '@warmtoken/core/jwt-bearer'
import { salesforce } from '@warmtoken/core/salesforce'
import { describe, expect, it } from 'vitest'

const tokens = createTokens({ directory: false })
function privateKey() {
  return 'only asked for when a token is fetched'
}
const ADDRESS = { tokenEndpoint: 'https://login.example.com/token' }

describe('a source with parameters', () => {
  const installations = tokens.use(gitHubInstallation({ clientId: 'Iv1.a', privateKey }))
  const users = tokens.use(salesforce({ clientId: 'a', privateKey }))
  const subjects = tokens.use(jwtBearer({ ...ADDRESS, signer: 'a', privateKey, perSubject: true }))
  const tenants = tokens.use(
    custom<{ readonly tenant: string }>({
      identity: ({ tenant }) => ({ tenant }),
      fetch: async ({ params: { tenant } }) => ({ value: `token-of-${tenant}`, lifetime: 3_600_000 }),
    }),
  )

  // Each line would compile if the mark above it were gone and the parameter not required: `tsc` fails then.
  it('does not compile without what it requires, and throws a TypeError where nobody compiles', () => {
    // @ts-expect-error the installation is required
    expect(() => installations.for({})).toThrow(TypeError)
    // @ts-expect-error an installation is a number
    expect(() => installations.for({ installationId: '12' })).toThrow(TypeError)
    // @ts-expect-error the user is required
    expect(() => users.for({})).toThrow(TypeError)
    // @ts-expect-error the subject is required
    expect(() => subjects.for({})).toThrow(TypeError)
    // @ts-expect-error parameters are required
    expect(() => tenants.for()).toThrow(TypeError)
    // @ts-expect-error a source with parameters gives no token before it has them
    expect(tenants.get).toBeUndefined()
  })

  it('gives each tenant a token of its own, the same handle or another', async () => {
    const [one, two, again] = [
      tenants.for({ tenant: 'one' }),
      tenants.for({ tenant: 'two' }),
      tenants.for({ tenant: 'one' }),
    ]
    const [first, second] = await Promise.all([one.get(), two.get()])
    expect([first.value, second.value]).toEqual(['token-of-one', 'token-of-two'])
    expect(again.peek()).toBe(one.peek())
    expect(again.key).toBe(one.key)
  })

  it('takes no more memory for a hundred thousand tenants than for its thousand entries', async () => {
    const bounded = createTokens({ directory: false, maxEntries: 1_000 }).use(
      custom<{ readonly tenant: number }>({
        identity: ({ tenant }) => ({ tenant }),
        fetch: async ({ params: { tenant } }) => ({ value: `${tenant}`.padEnd(1_000, '.'), lifetime: 3_600_000 }),
      }),
    )
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const use = (from: number, to: number): void => {
      for (let tenant = from; tenant < to; tenant += 1) expect(bounded.for({ tenant }).peek()).toBeUndefined()
    }
    use(0, 2_000)
    collect()
    const before = process.memoryUsage().heapUsed
    use(2_000, 102_000)
    collect()
    // A slot takes some hundred bytes: 100,000 that stayed would take tens of megabytes.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000)
  })
})
