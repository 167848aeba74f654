import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createProgram } from './program.ts'
import { createTerminal, table } from './terminal.ts'

/** Streams as a terminal has them, and what was written to each. */
function streams(isTTY: boolean) {
  const make = () =>
    Object.assign(new PassThrough(), { isTTY, hasColors: () => isTTY, getColorDepth: () => (isTTY ? 8 : 1) })
  const [stdin, stdout, stderr] = [make(), make(), make()]
  const written = { out: '', err: '' }
  stdout.on('data', (piece: Buffer) => {
    written.out += piece.toString()
  })
  stderr.on('data', (piece: Buffer) => {
    written.err += piece.toString()
  })
  return { stdin, stdout, stderr, written }
}

/** Runs a command at a terminal at which someone types these lines, each when a question is asked. */
async function at(cwd: string, args: readonly string[], answers: readonly string[]) {
  const { written, ...given } = streams(true)
  const left = [...answers]
  given.stderr.on('data', (piece: Buffer) => {
    if (!/[?)\]] $/.test(piece.toString())) return
    const answer = left.shift()
    if (answer === undefined) given.stdin.end()
    else given.stdin.write(`${answer}\n`)
  })
  const context = { terminal: createTerminal(given), env: {}, cwd, signal: new AbortController().signal, atEnd() {} }
  await createProgram(context).parseAsync([...args], { from: 'user' })
  return written
}

describe('the terminal', () => {
  it('has colors and progress only where it is one', () => {
    for (const isTTY of [true, false]) {
      const { written, ...given } = streams(isTTY)
      const terminal = createTerminal(given)
      terminal.progress('3 records')
      terminal.result({}, () => [terminal.style('red', 'text')])
      given.stdout.read()
      expect(terminal.style('red', 'text') === 'text').toBe(!isTTY)
      expect(written.err.includes('3 records')).toBe(isTTY)
    }
  })

  it('aligns a table, and shows no control character of a cell', () => {
    expect(
      table([
        ['A', 'B'],
        ['long', 'x\u001b[31m\ny'],
      ]),
    ).toEqual(['A     B', 'long  x?[31m?y'])
  })

  it('asks nobody where there is nobody', async () => {
    const { written: _written, ...given } = streams(false)
    await expect(createTerminal(given).ask('Write?')).rejects.toMatchObject({ exitCode: 2 })
  })
})

describe('a question', () => {
  it('takes an answer or the usual one', async () => {
    const { out } = await at('.', ['plan-cost', '--json'], ['1_000_000', '', '600', '2.25'])
    expect(JSON.parse(out)).toMatchObject({ invocations: 1e6, environments: 100, tokenLife: 600, issuerPrice: 2.25 })
  })

  it('refuses an answer that makes no sense', async () => {
    await expect(at('.', ['plan-cost'], ['many'])).rejects.toThrow('It must be a number from 1')
  })

  it('leaves the file as it was after no, and when the terminal goes away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'warmtoken-ask-'))
    const file = join(folder, 'serverless.yml')
    const text = 'service: x\nprovider:\n  name: aws\n'
    writeFileSync(file, text)
    await expect(at(folder, ['init'], ['n'])).rejects.toThrow('nothing was written')
    await expect(at(folder, ['init'], [])).rejects.toThrow('nothing was changed')
    expect(readFileSync(file, 'utf8')).toBe(text)
    const { out } = await at(folder, ['init'], ['y'])
    expect(out).toContain('TOKEN_TABLE')
    expect(readFileSync(file, 'utf8')).toContain('TOKEN_TABLE: !Ref TokenTable')
    rmSync(folder, { recursive: true })
  })
})
