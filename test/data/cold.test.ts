import { coldStart } from '@warmtoken/core/simulator'
import { expect, it } from 'vitest'

it('a thousand cold environments that ask for one key at once load it once, and all are served', async () => {
  const { loads, served } = await coldStart(1_000)
  expect(loads).toBe(1)
  expect(served).toEqual(Array(1_000).fill('list'))
})
