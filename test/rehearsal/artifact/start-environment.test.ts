import { afterEach, expect, test } from 'vitest'
import type { Mapping } from '../cloud/value.ts'
import { type Environment, startEnvironment } from './start-environment.ts'

const started: Environment[] = []
afterEach(() => {
  for (const environment of started.splice(0)) environment.end()
})

const CODE = `
let calls = 0
export const handler = async (event, context) => {
  if (event.hang) setInterval(() => {}, 1000)
  if (event.hang) return new Promise(() => {})
  if (event.fail) throw Object.assign(new Error('no'), { code: 'STORE_DENIED' })
  const remaining = context.getRemainingTimeInMillis()
  const { HOME, VALUE, AWS_ACCESS_KEY_ID } = process.env
  return { calls: ++calls, HOME, VALUE, AWS_ACCESS_KEY_ID, inTime: remaining > 0 && remaining <= 15_000 }
}`

async function start(properties: Mapping = {}): Promise<Environment> {
  const files = new Map([
    ['functions/a.js', Buffer.from(CODE)],
    ['package.json', Buffer.from('{"type":"module"}')],
  ])
  const environment = await startEnvironment(
    {
      name: 'f',
      properties: {
        Handler: 'functions/a.handler',
        Timeout: 15,
        Environment: { Variables: { VALUE: 1 } },
        ...properties,
      },
      files,
      sha256: '',
      size: 0,
      modifiedAt: 0,
    },
    { keys: { accessKeyId: 'ASIA1', secretAccessKey: 's', sessionToken: 't' }, variables: {} },
  )
  started.push(environment)
  return environment
}

test('it keeps its memory from call to call, and has its own configuration only', async () => {
  const environment = await start()
  const expected = { HOME: undefined, VALUE: '1', AWS_ACCESS_KEY_ID: 'ASIA1', inTime: true }
  expect(await environment.invoke({})).toEqual({ result: { calls: 1, ...expected } })
  expect(await environment.invoke({})).toMatchObject({ result: { calls: 2 } })
})

test('an error is told with its code, and the environment goes on', async () => {
  const environment = await start()
  expect(await environment.invoke({ fail: true })).toEqual({
    error: { name: 'Error', message: 'no', code: 'STORE_DENIED' },
  })
  expect(await environment.invoke({})).toMatchObject({ result: { calls: 1 } })
})

test('a call that takes longer than the timeout of the function is ended', async () => {
  await expect((await start({ Timeout: 1 })).invoke({ hang: true })).rejects.toThrow('took longer than 1000 ms')
})

test('an artifact without its handler is told', async () => {
  await expect(start({ Handler: 'functions/b.handler' })).rejects.toThrow('holds no functions/b')
  const environment = await start({ Handler: 'functions/a.other' })
  expect(await environment.invoke({})).toMatchObject({
    error: { message: expect.stringContaining('no function other') },
  })
})
