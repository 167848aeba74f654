import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { buildPage } from '@warmtoken/console-app/build'
import { parseRecord } from '@warmtoken/core/record'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CHROMIUM, SECRET, type Stage, type StageOptions, startStage } from './stage.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const MAX_PAGE = 150 * 1_024
const NEVER = new AbortController().signal

describe('the built page', () => {
  it('is at most 150 KB compressed, and has no script or style in its HTML, which its policy would refuse', async () => {
    const files = await buildPage()
    const sizes = [...files.values()].map(({ text }) => gzipSync(text).length)
    expect(sizes.reduce((all, one) => all + one, 0)).toBeLessThanOrEqual(MAX_PAGE)
    const html = files.get('index.html')?.text ?? ''
    expect(html).toContain('<script type="module"')
    expect(html).not.toMatch(/<script[^>]*>[^<]|<style|style=|\son\w+=|https?:/)
  })
})

describe.skipIf(CHROMIUM === undefined)('the page in Chromium', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM ?? '', args: ['--no-sandbox'] })
  })
  afterAll(async () => await browser?.close())

  interface Look {
    readonly scheme?: 'light' | 'dark'
    readonly width?: number
  }

  /** The page over a new stage, read to its end, and what went wrong in it. */
  async function open(options: StageOptions, look: Look = {}) {
    const stage = await startStage(options)
    const shown = await show(stage.url, look)
    return { ...shown, stage, close: () => Promise.all([shown.close(), stage.close()]) }
  }

  async function show(url: string, { scheme = 'light', width = 1_280 }: Look) {
    const viewport = { width, height: 800 }
    // Without the animation: axe measures a color that is still fading in.
    const context = await browser.newContext({ viewport, colorScheme: scheme, reducedMotion: 'reduce' })
    const page = await context.newPage()
    const problems: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    page.on('pageerror', (error) => problems.push(error.message))
    await page.goto(url)
    await page.locator('.summary[aria-busy=false]').waitFor()
    return { page, problems, close: () => context.close() }
  }

  /** What axe finds. It is put in by the debugger, for the policy of the page lets no other script in. */
  async function violations(page: Page): Promise<readonly string[]> {
    await page.evaluate(AXE)
    return page.evaluate(async () => {
      const { axe } = globalThis as unknown as {
        axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> }
      }
      const found = await axe.run()
      return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
    })
  }

  describe('over 1,000 sources', () => {
    let stage: Stage
    beforeAll(async () => {
      stage = await startStage({ records: 1_000, control: true })
    })
    afterAll(async () => await stage?.close())

    it.each([
      ['light', 1_280],
      ['dark', 1_280],
      ['light', 360],
      ['dark', 360],
    ] as const)('has no violation that axe finds and is not too wide, in %s at %i px', async (scheme, width) => {
      const { page, problems, close } = await show(stage.url, { scheme, width })
      expect(await page.locator('.tile .value').first().textContent()).toBe('1,005')
      expect(await violations(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0)
      expect(problems).toEqual([])
      await close()
    })
  })

  it.each(['light', 'dark'] as const)('has dialogs without a violation that axe finds, in %s', async (scheme) => {
    const { page, stage, close } = await open({ records: 2, control: true }, { scheme, width: 360 })
    await page.goto(`${stage.url}#open=${encodeURIComponent(stage.keys[0] ?? '')}`)
    await page.locator('.details').waitFor()
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Stop …' }).click()
    expect(await violations(page)).toEqual([])
    await close()
  })

  it('shows no value, however it is stored', async () => {
    const { page, stage, close } = await open({ records: 30 })
    for (const key of stage.keys.slice(0, 3)) {
      await page.goto(`${stage.url}#open=${encodeURIComponent(key)}`)
      await page.locator('.details').waitFor()
      expect(await page.content()).not.toContain(SECRET)
      await page.keyboard.press('Escape')
      // It changes the address when it is closed, which must not be after the next one is set.
      await page.locator('.details').waitFor({ state: 'detached' })
    }
    await close()
  })

  it('draws a chart whose labels can be read in both color schemes', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      const { page, close } = await open({ records: 24 }, { scheme })
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
      // The darkest and the lightest pixel left of the plot, where the labels are; the canvas itself is transparent.
      const contrast = await page.evaluate(() => {
        const canvas = document.querySelector('canvas')
        if (canvas === null) return 0
        const { data } = canvas.getContext('2d')?.getImageData(0, 0, 50, canvas.height) ?? { data: [] }
        const card = getComputedStyle(document.querySelector('.card') ?? document.body).backgroundColor
        const light = ([r = 0, g = 0, b = 0]: readonly number[]): number => {
          const [x = 0, y = 0, z = 0] = [r, g, b].map((one) =>
            one / 255 <= 0.04 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4,
          )
          return 0.2126 * x + 0.7152 * y + 0.0722 * z
        }
        const back = light(card.match(/\d+/g)?.map(Number) ?? [])
        const ratios: number[] = []
        for (let at = 0; at < data.length; at += 4) {
          if ((data[at + 3] ?? 0) < 250) continue
          const ink = light([data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0])
          ratios.push((Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05))
        }
        return ratios.length < 20 ? 0 : Math.max(...ratios)
      })
      expect([scheme, contrast >= 4.5]).toEqual([scheme, true])
      await close()
    }
  })

  it('searches, filters, sorts and turns pages, and keeps all of it in the address', async () => {
    const { page, stage, close } = await open({ records: 120 })
    const rows = page.locator('.sources tbody tr')
    expect(await rows.count()).toBe(50)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByText('51–100 of 125').waitFor()
    await page.getByRole('searchbox').fill(stage.keys[40] ?? '')
    await page.locator('.sources tbody tr:only-child').waitFor()
    expect(new URL(page.url()).hash).toContain('q=')
    await page.reload()
    await page.locator('.sources tbody tr:only-child').waitFor()
    await page.getByRole('searchbox').fill('')
    await page.getByLabel('Show', { exact: true }).selectOption('attention')
    await page
      .locator('.sources tbody tr:only-child .chip', { hasText: 'sign in' })
      .first()
      .waitFor({ state: 'attached' })
    await page.getByLabel('Show', { exact: true }).selectOption('')
    const size = page.getByRole('button', { name: 'Remaining lifetime' })
    await size.click()
    await size.click()
    const header = page.locator('th.remaining')
    expect(await header.getAttribute('aria-sort')).toBe('descending')
    await page.getByRole('searchbox').fill('no such source')
    await page.getByText('No source matches').waitFor()
    await close()
  })

  it('is used by keyboard alone: a source opens with Enter, and Escape leads back to it', async () => {
    const { page, close } = await open({ records: 5 })
    const first = page.locator('.sources tbody .link').first()
    await first.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await first.evaluate((element) => element === document.activeElement)).toBe(true)
    await close()
  })

  it('takes an action after a confirmation, shows what became of it, and the record says who and why', async () => {
    const { page, stage, close } = await open({ records: 1, control: true })
    const [key = ''] = stage.keys
    await page.locator('.sources .link', { hasText: 'oauth2' }).last().click()
    await page.goto(`${stage.url}#open=${encodeURIComponent(key)}`)
    await page.getByRole('button', { name: 'Stop …' }).click()
    const confirm = page.getByRole('dialog', { name: /^Stop oauth2/ })
    await confirm.getByLabel('For').selectOption('15')
    await confirm.getByLabel('Reason').fill('ticket 2113')
    await confirm.getByRole('button', { name: 'Stop the source' }).click()
    await page.getByRole('status').filter({ hasText: 'is stopped' }).waitFor()
    await page.locator('.details .chip', { hasText: 'stopped' }).first().waitFor()
    const { image } = await stage.store.read(key, { signal: NEVER, consistent: true })
    const parsed = parseRecord(image?.body ?? '', key)
    expect(parsed).toMatchObject({ record: { failure: { code: 'OPERATOR_STOP' } } })
    expect(parsed.outcome === 'record' && parsed.record.refreshes.at(-1)?.[1]).toBe('operator ada: ticket 2113')
    await page.getByRole('button', { name: 'Resume …' }).click()
    await page.getByRole('button', { name: 'Resume', exact: true }).last().click()
    await page.getByRole('status').filter({ hasText: 'may be fetched again' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('switch', { name: 'Cached: boards', exact: true }).click()
    await page.getByRole('button', { name: 'Switch off' }).click()
    await page.getByText('all enabled: false').waitFor()
    await close()
  })

  it('changes nothing when a confirmation is canceled, and says why an action was refused', async () => {
    const { page, stage, close } = await open({ records: 1, control: true })
    const [key = ''] = stage.keys
    const before = (await stage.store.read(key, { signal: NEVER, consistent: true })).image?.tag
    await page.goto(`${stage.url}#open=${encodeURIComponent(key)}`)
    await page.getByRole('button', { name: 'Stop …' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog', { name: /^Stop/ }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Refresh …' }).click()
    stage.fail(true)
    await page.getByRole('button', { name: 'Refresh', exact: true }).click()
    await page.locator('.confirm').getByText('It is down.').waitFor()
    expect((await stage.store.read(key, { signal: NEVER, consistent: true })).image?.tag).toBe(before)
    await close()
  })

  it('offers no action where the function is read-only', async () => {
    const { page, stage, close } = await open({ records: 8 })
    await page.getByText('Read-only').first().waitFor()
    await page.goto(`${stage.url}#open=${encodeURIComponent(stage.keys[7] ?? '')}`)
    await page.locator('.details').waitFor()
    expect(await page.locator('.details .actions').count()).toBe(0)
    expect(await page.locator('[role=switch]:not(:disabled)').count()).toBe(0)
    await close()
  })

  it('shows a refresh as it comes, without a reload', async () => {
    const { page, stage, close } = await open({ records: 2, isBare: true })
    const [key = ''] = stage.keys
    const { image } = await stage.store.read(key, { signal: NEVER, consistent: true })
    const parsed = parseRecord(image?.body ?? '', key)
    if (parsed.outcome !== 'record') throw new Error('the planted record is none')
    await stage.put({ ...parsed.record, refreshes: [[Date.now(), 'c0ffee', 77, 'throttled', '']] })
    await page.locator('.events .chip', { hasText: 'throttled' }).waitFor()
    await close()
  })

  it('says that the function does not answer, keeps what it knows, and goes on when it answers again', async () => {
    const { page, stage, close } = await open({ records: 3 })
    stage.fail(true)
    await page.getByRole('alert').filter({ hasText: 'It is down.' }).waitFor()
    expect(await page.locator('.sources tbody tr').count()).toBe(8)
    stage.fail(false)
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await close()
  })

  it('counts records of other kinds, which are no sources', async () => {
    const stage = await startStage({ records: 2, isBare: true })
    const key = `plan~${'0'.repeat(40)}`
    const body = JSON.stringify({ schema: 1, key, items: [] })
    await stage.store.swap(key, { expected: undefined, body, tag: 't', keepUntil: 4e12 }, { signal: NEVER })
    const { page, close } = await show(stage.url, {})
    expect(await page.locator('.sources tbody tr').count()).toBe(2)
    await page.getByRole('row', { name: 'plan 1' }).waitFor()
    await close()
    await stage.close()
  })

  it('explains an empty store', async () => {
    const { page, close } = await open({ records: 0, isBare: true })
    await page.getByText('The store has no record of a token or a cached value yet.').waitFor()
    await page.getByText('No cache is configured').waitFor()
    expect(await violations(page)).toEqual([])
    await close()
  })
})
