import { execFileSync, spawn } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WarmEvent } from '../../events.ts'
import { custom } from '../../sources/custom.ts'
import { createTokens } from '../../tokens/tokens.ts'
import type { FileProblem } from './diagnose.ts'
import { MAX_FILE_SIZE, SUM_SIZE } from './format.ts'
import { checksum, createFileReader, type FileEntry } from './reader.ts'
import { MAX_BYTES, MAX_FILES } from './sweeper.ts'
import { createFileTier, type FileTier } from './writer.ts'

const KEY = 'oauth2~0123456789abcdef'
const NAME = '0123456789abcdef.json'
const START = 1_800_000_000_000

let root = ''
let directory = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'warmtoken-file-'))
  directory = join(root, 'tokens')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** A file tier with its own clock, and the problems it told of. */
function makeTier(options: { directory?: string; wall?: () => number } = {}): FileTier & { problems: FileProblem[] } {
  const problems: FileProblem[] = []
  const runtime = { wall: options.wall ?? (() => START), unique: () => crypto.randomUUID() }
  const tier = createFileTier(createFileReader(options.directory ?? directory, runtime), {
    runtime,
    onProblem: (_key, problem) => problems.push(problem),
  })
  return { ...tier, problems }
}

function entry({ version = 7, sealed = '{"value":"abc"}' }: { version?: number; sealed?: string } = {}): FileEntry {
  return {
    lifetime: {
      version,
      issuedAt: START,
      softExpiry: START + 3_000_000,
      hardExpiry: START + 3_600_000,
      fingerprint: '12345678',
    },
    sealed,
    earliest: START,
    latest: START + 1_000,
    observed: true,
  }
}

/** What stands where in the first line of a file. */
const AT = ['schema', 'key', 'fingerprint', 'observed', 'length'].concat([
  'version',
  'issuedAt',
  'softExpiry',
  'hardExpiry',
  'earliest',
  'latest',
  'wall',
  'monotonic',
])

/** The two parts of a file after its checksum: a line of JSON, here with names, and the sealed value. */
function partsOf(path: string): { fields: Record<string, unknown>; sealed: string } {
  const text = readFileSync(path, 'utf8').slice(SUM_SIZE)
  const end = text.indexOf('\n')
  const list: unknown[] = JSON.parse(text.slice(0, end))
  return { fields: Object.fromEntries(list.map((one, at) => [AT[at], one])), sealed: text.slice(end + 1) }
}

/** Writes a file with its right checksum. */
function writeText(path: string, text: string): void {
  const bytes = Buffer.from(' '.repeat(SUM_SIZE) + text)
  const aligned = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(aligned)
  aligned.write(checksum(aligned, aligned.length), 0)
  writeFileSync(path, aligned)
}

/** The text of them, its first line a list again. */
function textOf(fields: Record<string, unknown>, sealed: string): string {
  return `${JSON.stringify(AT.map((name) => fields[name]))}\n${sealed}`
}

/** Writes a good file, then lets the test spoil it; a new tier reads it. */
function readSpoiled(spoil: (path: string) => void): { found: FileEntry | undefined; problems: FileProblem[] } {
  makeTier().write(KEY, entry())
  spoil(join(directory, NAME))
  const tier = makeTier()
  return { found: tier.read(KEY), problems: tier.problems }
}

describe('the file tier', () => {
  it('gives back what was written, to a new process too', () => {
    makeTier().write(KEY, entry())
    const tier = makeTier()
    const { earliest, latest, ...rest } = entry()
    expect(tier.read(KEY)).toMatchObject(rest)
    expect(tier.problems).toEqual([])
    expect([earliest, latest]).toEqual([START, START + 1_000])
  })

  it.each([
    ['ASCII', 'x'.repeat(MAX_FILE_SIZE)],
    ['what takes more bytes than characters', '\u00fc'.repeat(MAX_FILE_SIZE / 2)],
  ])('writes nothing that it would not read again: too much of %s', (_what, sealed) => {
    const tier = makeTier()
    tier.write(KEY, entry({ sealed }))
    expect(tier.problems).toEqual(['size'])
    expect(readdirSync(directory)).toEqual([])
  })

  it('takes a file of a form before lists for none, and puts its own in the place', () => {
    const spoiled = readSpoiled((path) => {
      const { fields, sealed } = partsOf(path)
      writeText(path, `${JSON.stringify({ ...fields, schema: 1 })}\n${sealed}`)
    })
    expect(spoiled).toEqual({ found: undefined, problems: ['corrupt'] })
    makeTier().write(KEY, entry())
    expect(makeTier().read(KEY)).toBeDefined()
  })

  it('has no entry and no problem where nothing was written, and makes no folder for a look', () => {
    const tier = makeTier()
    expect(tier.read(KEY)).toBeUndefined()
    expect([tier.problems, readdirSync(root)]).toEqual([[], []])
  })

  it('keeps files to this user: 0600 in a folder of 0700, and nothing else beside them', () => {
    const before = process.umask(0)
    try {
      makeTier().write(KEY, entry())
    } finally {
      process.umask(before)
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, NAME)).mode & 0o777).toBe(0o600)
    expect(readdirSync(directory)).toEqual([NAME])
  })

  it('forgets what is removed', () => {
    const tier = makeTier()
    tier.write(KEY, entry())
    tier.remove(KEY)
    tier.remove(KEY)
    expect([tier.read(KEY), tier.problems]).toEqual([undefined, []])
  })

  it('moves time on by the clocks: not less than the smaller and not more than the larger advance', () => {
    makeTier().write(KEY, entry())
    const found = makeTier({ wall: () => START + 60_000 }).read(KEY)
    // The wall clock says a minute, the monotonic clock some ms: a freeze or a step, so both bounds widen.
    expect(found?.latest).toBeGreaterThanOrEqual(START + 61_000)
    expect(found?.earliest).toBeLessThan(START + 30_000)
  })
})

describe('a file that is', () => {
  const rewrite = (change: (fields: Record<string, unknown>) => Record<string, unknown> | string) => (path: string) => {
    const { fields, sealed } = partsOf(path)
    const changed = change(fields)
    writeText(path, typeof changed === 'string' ? changed : textOf(changed, sealed))
  }

  const SPOILED: readonly (readonly [string, (path: string) => void, FileProblem])[] = [
    ['without its checksum', (path) => writeFileSync(path, readFileSync(path).subarray(SUM_SIZE)), 'corrupt'],
    ['no JSON', rewrite(() => 'not json'), 'corrupt'],
    ['empty', rewrite(() => ''), 'corrupt'],
    ['truncated', rewrite((fields) => JSON.stringify(fields).slice(0, 40)), 'corrupt'],
    ['an empty list', rewrite(() => '[]\n'), 'corrupt'],
    ['an object', rewrite(() => '{}\n'), 'corrupt'],
    ['nothing', rewrite(() => 'null\n'), 'corrupt'],
    [
      'of one number too many',
      rewrite((fields) => `${JSON.stringify([...AT.map((name) => fields[name]), 1])}\n{"value":"abc"}`),
      'corrupt',
    ],
    ['without a fingerprint', rewrite((fields) => ({ ...fields, fingerprint: 5 })), 'corrupt'],
    ['of another schema', rewrite((fields) => ({ ...fields, schema: 99 })), 'corrupt'],
    ['without a value', rewrite((fields) => textOf(fields, '')), 'corrupt'],
    ['cut off in the value', (path) => truncateSync(path, statSync(path).size - 1), 'corrupt'],
    ['longer than it says', (path) => appendFileSync(path, 'x'), 'corrupt'],
    ['without an expiry', rewrite((fields) => ({ ...fields, hardExpiry: undefined })), 'corrupt'],
    ['of an absurd expiry', rewrite((fields) => ({ ...fields, hardExpiry: 1e300 })), 'corrupt'],
    ['of a soft expiry after the hard one', rewrite((fields) => ({ ...fields, softExpiry: START * 2 })), 'corrupt'],
    ['of negative times', rewrite((fields) => ({ ...fields, issuedAt: -1 })), 'corrupt'],
    ['without its clocks', rewrite((fields) => ({ ...fields, monotonic: 'x' })), 'corrupt'],
    ["another key's", rewrite((fields) => ({ ...fields, key: 'oauth2~fedcba' })), 'key'],
    ['too large', (path) => appendFileSync(path, 'x'.repeat(MAX_FILE_SIZE)), 'size'],
    ['writable by everyone', (path) => chmodSync(path, 0o606), 'permissions'],
    ['writable by the group', (path) => chmodSync(path, 0o660), 'permissions'],
    [
      'a symbolic link',
      (path) => {
        renameSync(path, join(root, 'elsewhere.json'))
        symlinkSync(join(root, 'elsewhere.json'), path)
      },
      'symlink',
    ],
    [
      'a folder',
      (path) => {
        rmSync(path)
        mkdirSync(path)
      },
      'symlink',
    ],
    [
      'a pipe',
      (path) => {
        rmSync(path)
        execFileSync('mkfifo', ['-m', '600', path])
      },
      'symlink',
    ],
  ]

  it.each(SPOILED)('%s is a miss and a problem', (_name, spoil, problem) => {
    expect(readSpoiled(spoil)).toEqual({ found: undefined, problems: [problem] })
  })

  it('changed in any single bit is a miss and a problem', () => {
    makeTier().write(KEY, entry())
    const path = join(directory, NAME)
    const good = readFileSync(path)
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const changed = Buffer.from(good)
      changed[bit >> 3] = (good[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      writeFileSync(path, changed)
      const tier = makeTier()
      expect([tier.read(KEY), tier.problems]).toEqual([undefined, ['corrupt']])
    }
    writeFileSync(path, good)
    expect(makeTier().read(KEY)).toBeDefined()
  })

  it("another user's is a miss and a problem", () => {
    // Only root may give files away; for anyone else the folder is already root's, which is refused the same way.
    if (process.getuid?.() === 0) {
      expect(readSpoiled((path) => chownSync(path, 12_345, 12_345))).toEqual({ found: undefined, problems: ['owner'] })
    } else {
      const tier = makeTier({ directory: '/etc' })
      tier.write(KEY, entry())
      expect(tier.problems).toEqual(['folder'])
    }
  })

  it('spoiled is repaired by the next write', () => {
    readSpoiled((path) => writeFileSync(path, 'spoiled'))
    const tier = makeTier()
    tier.write(KEY, entry({ version: 8 }))
    expect([tier.read(KEY)?.lifetime.version, tier.problems]).toEqual([8, []])
  })

  it('a symbolic link is replaced by the next write, and what it points to stays as it is', () => {
    const target = join(root, 'precious')
    readSpoiled((path) => {
      writeFileSync(target, 'precious')
      rmSync(path)
      symlinkSync(target, path)
    })
    makeTier().write(KEY, entry())
    expect(readFileSync(target, 'utf8')).toBe('precious')
    expect(lstatSync(join(directory, NAME)).isFile()).toBe(true)
  })
})

describe('a folder that is', () => {
  const tellsOnceAndIsNotUsed = (): void => {
    const tier = makeTier()
    tier.write(KEY, entry())
    expect(tier.read(KEY)).toBeUndefined()
    tier.write(KEY, entry())
    expect(tier.problems).toEqual(['folder'])
  }

  it('writable by everyone is not used', () => {
    mkdirSync(directory)
    chmodSync(directory, 0o777)
    tellsOnceAndIsNotUsed()
    expect(readdirSync(directory)).toEqual([])
  })

  it('a symbolic link is not used', () => {
    mkdirSync(join(root, 'elsewhere'), { mode: 0o700 })
    symlinkSync(join(root, 'elsewhere'), directory)
    tellsOnceAndIsNotUsed()
    expect(readdirSync(join(root, 'elsewhere'))).toEqual([])
  })

  it('writable by everyone is not read from either', () => {
    makeTier().write(KEY, entry())
    chmodSync(directory, 0o777)
    const tier = makeTier()
    expect([tier.read(KEY), tier.problems]).toEqual([undefined, ['folder']])
  })

  it('opened to everyone after the first write is not written to any more', () => {
    const tier = makeTier()
    tier.write(KEY, entry())
    chmodSync(directory, 0o777)
    tier.write(KEY, entry({ version: 8 }))
    expect([tier.read(KEY), tier.problems]).toEqual([undefined, ['folder']])
    chmodSync(directory, 0o700)
    tier.write(KEY, entry({ version: 9 }))
    expect(tier.read(KEY)?.lifetime.version).toBe(9)
  })

  it("another user's is not used", () => {
    if (process.getuid?.() === 0) {
      mkdirSync(directory, { mode: 0o700 })
      chownSync(directory, 12_345, 12_345)
      tellsOnceAndIsNotUsed()
    } else {
      const tier = makeTier({ directory: '/etc' })
      tier.write(KEY, entry())
      expect(tier.problems).toEqual(['folder'])
    }
  })

  it('a file is a problem, never an exception', () => {
    writeFileSync(directory, 'in the way')
    const tier = makeTier()
    tier.write(KEY, entry())
    expect([tier.read(KEY), tier.problems]).toEqual([undefined, ['folder']])
  })
})

describe('a folder that has grown', () => {
  const keyOf = (number: number): string => `oauth2~${String(number).padStart(40, '0')}`
  const files = (): string[] => readdirSync(directory).sort()
  const endingAt = (hardExpiry: number, sealed = 'x'): FileEntry => {
    const one = entry({ sealed })
    return { ...one, lifetime: { ...one.lifetime, softExpiry: START, hardExpiry } }
  }

  it('loses what has ended and what killed writers left, at the first write of a process, and nothing else', () => {
    const before = makeTier()
    before.write(keyOf(1), endingAt(START + 60_000))
    before.write(keyOf(2), endingAt(START + 7_200_000))
    const old = (START - 120_000) / 1_000
    for (const [name, at] of [
      [`.${crypto.randomUUID()}.tmp`, old],
      [`.${'a'.repeat(32)}.tmp`, START / 1_000],
      ['of-the-user.json', old],
      ['.of-the-user.tmp', old],
    ] as const) {
      writeFileSync(join(directory, name), 'x')
      utimesSync(join(directory, name), at, at)
    }
    const later = makeTier({ wall: () => START + 61_000 - 1_000 })
    later.write(keyOf(3), endingAt(START + 7_200_000))
    expect(later.problems).toEqual([])
    const name = (number: number): string => `${keyOf(number).slice('oauth2~'.length)}.json`
    expect(files()).toEqual([name(2), name(3), `.${'a'.repeat(32)}.tmp`, 'of-the-user.json', '.of-the-user.tmp'].sort())
  })

  it('never holds many more files than its limit; those that end last stay', () => {
    const tier = makeTier()
    const most = MAX_FILES + 600
    for (let number = 0; number < most; number += 1) tier.write(keyOf(number), endingAt(START + 60_000 + number))
    expect(files().length).toBeLessThanOrEqual(MAX_FILES + 256)
    expect([tier.read(keyOf(0)), tier.problems]).toEqual([undefined, []])
    expect(tier.read(keyOf(most - 1))).toBeDefined()
  })

  it('never holds many more bytes than its limit', () => {
    const tier = makeTier()
    const sealed = 'x'.repeat(1_000_000)
    for (let number = 0; number < 90; number += 1) tier.write(keyOf(number), endingAt(START + 60_000 + number, sealed))
    const bytes = files().reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES + 10 * sealed.length)
    expect(tier.read(keyOf(89))).toBeDefined()
  })
})

describe('a disk that', () => {
  /** A tiny file system of its own where that is allowed; `undefined` elsewhere. */
  const mount = (size: string): string | undefined => {
    const at = join(root, 'disk')
    mkdirSync(at, { mode: 0o700 })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', at], { stdio: 'ignore' })
      return at
    } catch {
      return undefined
    }
  }
  const unmount = (at: string): void => void execFileSync('umount', [at])

  it('is full is a problem, the old entry or none is left, and no part of a new one', () => {
    const disk = mount('32k')
    if (disk === undefined) {
      writeFileSync(directory, 'in the way')
      const tier = makeTier()
      tier.write(KEY, entry())
      expect(tier.problems).toEqual(['disk'])
      return
    }
    try {
      const tier = makeTier({ directory: disk })
      tier.write(KEY, entry({ sealed: 'x'.repeat(100_000) }))
      expect([tier.problems, readdirSync(disk), tier.read(KEY)]).toEqual([['disk'], [], undefined])
      tier.write(KEY, entry())
      tier.write(KEY, entry({ sealed: 'x'.repeat(100_000) }))
      expect([tier.read(KEY)?.sealed, readdirSync(disk)]).toEqual([entry().sealed, [NAME]])
    } finally {
      unmount(disk)
    }
  })

  it('takes no writes still gives what it has; a write is a problem', () => {
    const disk = mount('64k')
    if (disk === undefined) {
      writeFileSync(directory, 'in the way')
      const tier = makeTier()
      tier.write(KEY, entry())
      expect(tier.problems).toEqual(['disk'])
      return
    }
    try {
      const tier = makeTier({ directory: disk })
      tier.write(KEY, entry())
      execFileSync('mount', ['-o', 'remount,ro', disk])
      tier.write(KEY, entry({ version: 8 }))
      tier.remove(KEY)
      expect([tier.read(KEY)?.lifetime.version, tier.problems]).toEqual([7, ['disk']])
    } finally {
      unmount(disk)
    }
  })
})

describe('after a new boot (the monotonic clock has gone back)', () => {
  const afterBoot = (wall: number): { found: FileEntry | undefined; problems: FileProblem[] } => {
    makeTier().write(KEY, entry())
    const path = join(directory, NAME)
    const { fields, sealed } = partsOf(path)
    const monotonic = Number(fields['monotonic']) + 1e9
    writeText(path, textOf({ ...fields, monotonic }, sealed))
    const tier = makeTier({ wall: () => wall })
    return { found: tier.read(KEY), problems: tier.problems }
  }

  it('the wall clock alone says how much time has passed', () => {
    const { found, problems } = afterBoot(START + 5_000)
    expect(problems).toEqual([])
    expect([found?.earliest, found?.latest]).toEqual([START + 5_000, START + 6_000])
  })

  it('nothing is known when the wall clock has gone back too', () => {
    expect(afterBoot(START - 1)).toEqual({ found: undefined, problems: ['corrupt'] })
  })
})

describe('four processes that write the same entry at once', () => {
  it('never let a reader see half of one, and leave nothing behind', async () => {
    const script = fileURLToPath(new URL('./writer.test-process.ts', import.meta.url))
    const writers = Array.from({ length: 4 }, (_, number) =>
      spawn(process.execPath, [script, directory, KEY, String(number)], { stdio: ['ignore', 'pipe', 'inherit'] }),
    )
    const ended = writers.map(
      (writer) => new Promise<number | null>((resolve) => writer.once('exit', (code) => resolve(code))),
    )
    const tier = makeTier()
    let running = true
    const all = Promise.all(ended).finally(() => {
      running = false
    })
    let seen = 0
    while (running) {
      for (let look = 0; look < 100; look += 1) {
        const found = tier.read(KEY)
        if (found === undefined) continue
        seen += 1
        // Each writer writes its own letter, as often as its version says.
        expect(new Set(found.sealed).size).toBe(1)
        expect(found.sealed.length).toBe(found.lifetime.version)
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await all).toEqual([0, 0, 0, 0])
    expect(tier.problems).toEqual([])
    expect(seen).toBeGreaterThan(0)
    expect(readdirSync(directory)).toEqual([NAME])
  })
})

describe('a token whose file tier does not work', () => {
  it('is returned anyway, and an event says why', async () => {
    writeFileSync(directory, 'in the way')
    const events: WarmEvent[] = []
    const tokens = createTokens({ directory, onEvent: (event) => events.push(event) })
    const source = custom({ identity: 'x', fetch: async () => ({ value: 'abc', lifetime: 3_600_000 }) })
    expect((await tokens.use(source).get()).value).toBe('abc')
    expect(events).toContainEqual(expect.objectContaining({ type: 'file-error', reason: 'folder' }))
  })

  it('is taken from the store when the file is spoiled, and an event says why', async () => {
    const source = custom({ identity: 'x', fetch: async () => ({ value: 'abc', lifetime: 3_600_000 }) })
    const first = createTokens({ directory }).use(source)
    await first.get()
    const [name = ''] = readdirSync(directory)
    writeFileSync(join(directory, name), 'spoiled', { mode: 0o600 })
    const events: WarmEvent[] = []
    const token = await createTokens({ directory, onEvent: (event) => events.push(event) })
      .use(source)
      .get()
    expect([token.tier, token.value]).toEqual(['source', 'abc'])
    expect(events).toContainEqual(expect.objectContaining({ type: 'file-error', reason: 'corrupt' }))
    expect(events).toContainEqual(expect.objectContaining({ type: 'miss', tier: 'file' }))
  })
})
