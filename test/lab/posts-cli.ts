/** `pnpm lab:posts`: plays the posts of the example in the lab, and prints what was measured. */
import { playPosts } from './posts.ts'

const ENVIRONMENTS = 8
const REQUESTS = 1_000
const COLD = 30

function at(times: readonly number[], share: number): string {
  const sorted = times.toSorted((one, other) => one - other)
  return `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(0)} ms`
}

const seen = await playPosts({ environments: ENVIRONMENTS, requests: REQUESTS, cold: COLD })
const hits = 1 - seen.queries / seen.lists
console.log(`the writer lists its post with the next request: ${seen.writerSees}
others that list it once recheck (5 s) has passed:  ${seen.othersSee} of ${seen.others}
first list of a cold environment, from the cache:   p50 ${at(seen.cold, 0.5)}, p99 ${at(seen.cold, 0.99)} (of ${COLD})
lists of the mixed load:                            p50 ${at(seen.warm, 0.5)}, p99 ${at(seen.warm, 0.99)} (of ${seen.lists})
hit rate of the list in the mixed load:             ${(hits * 100).toFixed(1)} % (${seen.queries} queries)
failed:                                             ${seen.failed}`)
const isGood = seen.writerSees && seen.othersSee === seen.others && hits > 0.8 && seen.failed === 0
process.exitCode = isGood ? 0 : 1
