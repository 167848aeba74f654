import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { shownCause } from '../lib/shown-cause.ts'
import { custom } from '../sources/custom.ts'
import { createTokens } from './tokens.ts'

class LedgerError extends Error {}

function thrown(throwIt: () => never): unknown {
  try {
    return throwIt()
  } catch (error) {
    return error
  }
}

describe('what is shown of an error that a source of your own threw', () => {
  it('is its class and where it was thrown, without its message', () => {
    const shown = shownCause(
      thrown(() => {
        throw new LedgerError('the key s3cret is wrong')
      }),
    )
    expect(shown.stack).toMatch(/^LedgerError: .*\n {4}at .*shown-cause\.test\.ts:\d+:\d+/)
    expect(`${shown.stack} ${shown.message}`).not.toContain('s3cret')
  })

  it('is nothing of a name, a property, a cause or a message that looks like frames', () => {
    const error = Object.assign(
      new Error('no\n    at /s3cret/file.js:1:1\n    at s3cret (/etc/s3cret.js:2:2)', { cause: 's3cret' }),
      { name: 's3cret', code: 'S3CRET', path: 's3cret' },
    )
    const { name, message, stack, cause } = shownCause(error)
    expect([name, message, stack, cause].join().toLowerCase()).not.toContain('s3cret')
    expect(name).toBe('Error')
  })

  it('is no frame when the message was changed after the error was made', () => {
    const error = new Error('    at /s3cret/file.js:1:1')
    error.message = 'other'
    expect(shownCause(error).stack).not.toContain('s3cret')
  })

  it('has no function names, which may be made at run time', () => {
    const name = 's3cret'
    const object = {
      [name]: () => {
        throw new Error('no')
      },
    }
    expect(shownCause(thrown(() => object[name]?.() as never)).stack).not.toContain('s3cret')
  })

  it('names the code of the system behind a failed fetch', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    const error = await fetch(`http://127.0.0.1:${port}`).catch((reason: unknown) => reason)
    const shown = shownCause(error)
    expect(shown.name).toBe('TypeError')
    expect(shown.message).toMatch(/^ECONNREFUSED; /)
    expect(shownCause(Object.assign(new Error('no'), { code: 'ECONNRESET' })).message).toMatch(/^ECONNRESET; /)
  })

  it('names a builtin module that a bundle cannot require, and the remedy', () => {
    const shown = shownCause(new Error('Dynamic require of "node:crypto" is not supported'))
    expect(shown.message).toContain('dynamic require of "node:crypto"')
    expect(shown.message).toContain('createRequire')
    expect(shownCause(new Error('Dynamic require of "s3cret" is not supported')).message).not.toContain('s3cret')
  })

  it('may be of anything that is thrown', () => {
    expect(shownCause('s3cret').message).not.toContain('s3cret')
    expect(shownCause(undefined).name).toBe('undefined')
  })

  it('is the cause of the error that callers get', async () => {
    const handle = createTokens({ directory: false }).use(
      custom({
        identity: 'ledger',
        fetch: async () => {
          throw new LedgerError('s3cret')
        },
      }),
    )
    const error = (await handle.get().catch((reason: unknown) => reason)) as Error
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code: 'SOURCE_FAILED' })
    expect(error.cause).toMatchObject({
      message: expect.stringContaining('LedgerError'),
      cause: { name: 'LedgerError' },
    })
  })
})
