import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { HOUR, TOKEN, type Variant } from './variant.ts'

const buffer = Buffer.allocUnsafe(8_192)

/** The text of a small file: nothing is checked but what is there is read. */
function read(path: string): string {
  const file = openSync(path, 'r')
  try {
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0))
  } finally {
    closeSync(file)
  }
}

function record(value: string): string {
  return JSON.stringify({ value, until: Date.now() + HOUR, pad: 'x'.repeat(200) })
}

/** What cannot be done with less. */
export const limits: readonly Variant[] = [
  {
    name: 'open + read + close + parse',
    part: 'limit',
    kind: 'hit',
    open: async (folder) => {
      const path = `${folder}/record.json`
      writeFileSync(path, record(TOKEN))
      return () => JSON.parse(read(path)).value
    },
  },
  {
    name: 'the same + AES-256-GCM',
    part: 'beside',
    kind: 'sealed hit',
    open: async (folder) => {
      const path = `${folder}/sealed.json`
      const [key, nonce] = [randomBytes(32), randomBytes(12)]
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const hidden = Buffer.concat([cipher.update(TOKEN, 'utf8'), cipher.final(), cipher.getAuthTag()])
      writeFileSync(path, record(hidden.toString('base64url')))
      return () => {
        const sealed = Buffer.from(JSON.parse(read(path)).value, 'base64url')
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 })
        decipher.setAuthTag(sealed.subarray(-16))
        return decipher.update(sealed.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8')
      }
    },
  },
]
