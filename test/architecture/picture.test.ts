import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { GROUND } from './house.ts'
import { drawHouse, toDot } from './picture.ts'

describe('the picture of the house', () => {
  it('is the one that the plan in house.ts draws; run `pnpm docs:update` if it is not', async () => {
    const drawn = readFileSync(new URL('../../docs/architecture.svg', import.meta.url), 'utf8')
    expect(drawn === (await drawHouse())).toBe(true)
  })

  it('has an arrow for each import that the plan allows, except those to the ground', () => {
    const ground = Object.keys(GROUND)
    const dot = toDot({
      contracts: { about: '', imports: [] },
      errors: { about: '', imports: ['contracts'] },
      engine: { about: '', imports: ground },
      tokens: { about: '', imports: [...ground, 'engine'] },
      odd: { about: '', imports: ['lib'] },
    })
    const arrows = dot.split('\n').filter((line) => line.includes('->') && !line.includes('invis'))
    expect(arrows.map((line) => line.trim())).toEqual([
      '"errors" -> "contracts"',
      '"tokens" -> "engine"',
      '"odd" -> "lib"',
    ])
  })
})
