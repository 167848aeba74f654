import { deflateRawSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { unzip } from './unzip.ts'

/** A zip of one file; `size` is what its directory says of it. */
function zipOf(name: string, contents: string, { method = 8, size = contents.length } = {}): Buffer {
  const bytes = method === 8 ? deflateRawSync(contents) : Buffer.from(contents)
  const local = Buffer.alloc(30)
  local.writeUInt32LE(0x04034b50, 0)
  local.writeUInt16LE(name.length, 26)
  const entry = Buffer.alloc(46)
  entry.writeUInt32LE(0x02014b50, 0)
  entry.writeUInt16LE(method, 10)
  entry.writeUInt32LE(bytes.length, 20)
  entry.writeUInt32LE(size, 24)
  entry.writeUInt16LE(name.length, 28)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(local.length + name.length + bytes.length, 16)
  return Buffer.concat([local, Buffer.from(name), bytes, entry, Buffer.from(name), end])
}

function textOf(zip: Buffer, name: string): string {
  return Buffer.from(unzip(zip).get(name) ?? []).toString()
}

test('packed and stored files come out as they went in', () => {
  expect(textOf(zipOf('a/b.js', 'content'), 'a/b.js')).toBe('content')
  expect(textOf(zipOf('a.js', 'content', { method: 0 }), 'a.js')).toBe('content')
})

test.each(['/etc/x', '../x', 'a/../../x', 'a\\b', ''])('a file outside the folder is refused: %j', (name) => {
  expect(() => unzip(zipOf(name, 'content'))).toThrow('outside its folder')
})

test('more than the directory says, or than Lambda takes, is not unpacked', () => {
  expect(() => unzip(zipOf('a', 'x'.repeat(1000), { size: 10 }))).toThrow()
  expect(() => unzip(zipOf('a', 'content', { size: 300 * 1024 * 1024 }))).toThrow('more than')
})

test('what is no zip is refused', () => {
  expect(() => unzip(Buffer.from('no zip'))).toThrow('no zip')
  expect(() => unzip(Buffer.alloc(100))).toThrow('no zip')
})
