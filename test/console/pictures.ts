/**
 * Takes the pictures of docs/console.md and prints when the page was first painted. `pnpm docs:console`. Needs Chromium.
 */
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import { CHROMIUM, type Stage, startStage } from './stage.ts'

const FOLDER = fileURLToPath(new URL('../../docs/console/', import.meta.url))
if (CHROMIUM === undefined) throw new Error('Chromium is missing: sh scripts/servers.sh')
mkdirSync(FOLDER, { recursive: true })
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })

interface Picture {
  readonly name: string
  readonly scheme: 'light' | 'dark'
  readonly width: number
  readonly height: number
  readonly before?: (page: Page) => Promise<void>
}

async function take(stage: Stage, { name, scheme, width, height, before }: Picture): Promise<void> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme })
  const page = await context.newPage()
  await page.goto(stage.url)
  await page.locator('.sources tbody tr').first().waitFor()
  await page.locator('.summary[aria-busy=false]').waitFor()
  await before?.(page)
  // The chart is drawn in the next frame.
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
  await page.screenshot({ path: `${FOLDER}${name}.png`, animations: 'disabled' })
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime)
  console.log(`${name}: first paint after ${Math.round(paint ?? Number.NaN)} ms`)
  await context.close()
}

const small = await startStage({ records: 24, control: true })
await take(small, { name: 'light', scheme: 'light', width: 1_280, height: 1_000 })
await take(small, { name: 'dark', scheme: 'dark', width: 1_280, height: 1_000 })
await take(small, { name: 'phone', scheme: 'dark', width: 360, height: 780 })
await take(small, {
  name: 'stop',
  scheme: 'light',
  width: 1_280,
  height: 800,
  async before(page) {
    await page.locator('.sources .link', { hasText: 'crm' }).click()
    await page.getByRole('button', { name: 'Stop …' }).click()
    await page.getByLabel('Reason').fill('the vendor revokes tokens, ticket 2113')
  },
})
await small.close()
const large = await startStage({ records: 1_000 })
await take(large, {
  name: 'thousand',
  scheme: 'light',
  width: 1_280,
  height: 800,
  before: (page) => page.locator('#sources').scrollIntoViewIfNeeded(),
})
await large.close()
await browser.close()
