import { expect, test } from 'vitest'
import { readAdminSettings, readSettings } from './settings.ts'

const GOOD = {
  TOKEN_TABLE: 'tokens',
  ISSUER: 'https://login.example.com',
  CLIENT_ID: 'contacts',
  CLIENT_SECRET_ID: 'marked-secret',
  API_URL: 'https://api.example.com',
}

test('the settings of a deployment', () => {
  expect(readSettings(GOOD)).toEqual({
    table: 'tokens',
    issuer: 'https://login.example.com',
    clientId: 'contacts',
    clientSecretId: 'marked-secret',
    apiUrl: 'https://api.example.com',
    allowInsecure: false,
  })
})

test('a folder and an issuer without TLS are for local runs', () => {
  const local = readSettings({ ...GOOD, TOKEN_DIRECTORY: '/tmp/run', ALLOW_INSECURE_ISSUER: 'true' })
  expect(local).toMatchObject({ directory: '/tmp/run', allowInsecure: true })
})

test.each(Object.keys(GOOD))('%s missing or empty: the error names it and shows no value', (name) => {
  for (const value of [undefined, '']) {
    const read = () => readSettings({ ...GOOD, [name]: value })
    expect(read).toThrow(new Error(`The environment variable ${name} is missing or empty`))
  }
})

test.each([
  ['ISSUER', 'login.example.com'],
  ['API_URL', 'ftp://api.example.com'],
  ['ALLOW_INSECURE_ISSUER', 'yes'],
])('%s = %s is refused', (name, value) => {
  expect(() => readSettings({ ...GOOD, [name]: value })).toThrow(name)
})

test('the console takes only IAM and no actions unless told otherwise', () => {
  expect(readAdminSettings({})).toEqual({ access: 'iam', control: false })
  const local = { ADMIN_ACCESS: 'loopback', ADMIN_CONTROL: 'true', ADMIN_PATH: '/admin' }
  expect(readAdminSettings(local)).toEqual({ access: 'loopback', control: true, basePath: '/admin' })
})

test.each([
  ['ADMIN_ACCESS', 'open'],
  ['ADMIN_CONTROL', 'yes'],
])('%s = %s is refused', (name, value) => {
  expect(() => readAdminSettings({ [name]: value })).toThrow(name)
})
