import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startPostgresServer } from './postgres-server.ts'

/** The first byte of what the server answers to a login of this user: R asks for the password, E refuses. */
function answerTo(port: number, user: string): Promise<string> {
  const body = Buffer.from(`\0\x03\0\0user\0${user}\0\0`)
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat([length, body])))
    socket.once('error', reject).once('data', (bytes) => {
      socket.destroy()
      resolve(bytes.toString('latin1').slice(0, 1))
    })
  })
}

describe('a PostgreSQL server', () => {
  it('takes connections behind a password until it is closed, and each is another one', async ({ skip }) => {
    const first = await startPostgresServer().catch((error: Error) => {
      if (/could not be run/.test(error.message)) skip('postgresql is missing')
      throw error
    })
    const servers = [first, await startPostgresServer()]
    try {
      for (const { port, url, password } of servers) {
        expect(url).toBe(`postgres://warmtoken:${password}@127.0.0.1:${port}/postgres`)
        expect(await answerTo(port, 'warmtoken')).toBe('R')
      }
      expect(new Set(servers.map(({ password }) => password)).size).toBe(2)
    } finally {
      await Promise.all(servers.map((server) => server.close()))
    }
    for (const { port } of servers) await expect(answerTo(port, 'warmtoken')).rejects.toThrow('ECONNREFUSED')
  })

  it('says what is missing where its programs are not', async () => {
    await expect(startPostgresServer({ binaries: '/nonexistent' })).rejects.toThrow('apt-get install postgresql')
  })
})
