// One of several processes that write the same entry at once. Arguments: folder, key, number of the writer.

import { createFileReader } from './reader.ts'
import { createFileTier } from './writer.ts'

const [directory = '', key = '', number = '0'] = process.argv.slice(2)
const runtime = { wall: Date.now, unique: () => crypto.randomUUID() }
const tier = createFileTier(createFileReader(directory, runtime), {
  runtime,
  onProblem: (_key, problem) => {
    throw new Error(problem)
  },
})
const now = Date.now()
for (let round = 1; round <= 400; round += 1) {
  const version = 1 + ((round * 7_919) % 60_000)
  tier.write(key, {
    sealed: 'abcd'.charAt(Number(number)).repeat(version),
    lifetime: { version, issuedAt: now, softExpiry: now + 1_000_000, hardExpiry: now + 2_000_000, fingerprint: number },
    earliest: now,
    latest: now,
    observed: true,
  })
}
