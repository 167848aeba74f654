import { describe, expect, it } from 'vitest'
import { clientCredentials } from './index.ts'

const BASE = { tokenEndpoint: 'https://issuer.example.com/token', clientId: 'crm' }

describe('a secret that is not set', () => {
  it.each([
    [{ clientSecret: undefined }, '"basic" takes a "clientSecret"'],
    [{ clientSecret: '' }, 'option "clientSecret" must be a function or non-empty string'],
    [
      { privateKey: undefined, authentication: 'private_key_jwt' },
      '"private_key_jwt" takes "privateKey", not "clientSecret"',
    ],
    [{ clientSecret: 'a', authentication: 'none' }, '"none" takes no "clientSecret"'],
  ])('is refused at construction by the name of its option: %j', (options, message) => {
    expect(() => clientCredentials({ ...BASE, ...options } as never)).toThrow(message)
  })
})
