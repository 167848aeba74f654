import { hash, verify } from '@node-rs/argon2'
import { expect, test } from 'vitest'
import { hashPassword, isPassword } from './password.ts'

test('another implementation of argon2id verifies what was hashed here', async () => {
  const stored = await hashPassword('correct horse')
  expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(await verify(stored, 'correct horse')).toBe(true)
  expect(await verify(stored, 'wrong horse')).toBe(false)
})

test('what another implementation hashed is verified here, with its own cost', async () => {
  const stored = await hash('pässwörd', { memoryCost: 8_192, timeCost: 3, parallelism: 1 })
  expect(await isPassword('pässwörd', stored)).toBe(true)
  expect(await isPassword('passwort', stored)).toBe(false)
})

test('a user who does not exist, and a text that is not a hash, are refused', async () => {
  for (const stored of [undefined, '', 'plain', '$argon2id$v=19$m=99999999,t=2,p=1$x$y'])
    expect(await isPassword('x', stored)).toBe(false)
})
