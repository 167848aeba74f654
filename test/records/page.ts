import { type ExclusiveOutcome, KINDS, type SharedOutcome } from './kinds.ts'

const SAID: Readonly<Record<SharedOutcome | ExclusiveOutcome, string>> = {
  served: 'the token is served',
  fetched: 'one fetch, and the record is repaired',
  waits: 'callers wait within their own time; taken over after at most 15 minutes',
  'cools down': 'the cool-down holds; the code is shown without control characters',
  continues: 'the chain goes on, and the record is repaired',
  stops: '`STORE_UNREADABLE`',
  'cannot open': '`CODEC_FAILED`',
}

/** The page of the docs about damaged records. Its table is what the tests check in every store. */
export function drawKindsPage(): string {
  const rows = KINDS.map(({ name, shared, exclusive }) => `| ${name} | ${SAID[shared]} | ${SAID[exclusive]} |`)
  return `# Damaged records

A record can be damaged, written by a later release, or planted by someone who can write to the store. Every text from a
store is untrusted: it is parsed, bounded, and compared with the server's time. This page says what a call makes of it.

For a source that can always be asked again, an unreadable record costs one fetch, which repairs it. For an
[exclusive source](protocol.md#exclusive-sources), such as a refresh token that rotates, an unreadable record is never treated
as empty: the first refresh token would be spent again, and the issuer would revoke the whole chain. If the record does not show
which refresh token comes next, or whether it was spent, the call fails with \`STORE_UNREADABLE\`. Nothing is spent or
overwritten, and other keys go on. An event \`bad-record\` has the reason in every case.

## What to do about STORE_UNREADABLE

The message has the key and the reason.

| reason | remedy |
|---|---|
| \`another schema\` | a later release wrote the record: deploy that release to this function too |
| anything else | restore the record if you have it; otherwise delete it, and have the user sign in again |

Do not delete the record if the first refresh token was used already: the source would spend it again.

## The rules

- The parts of a record (value, lease, failure, intent, budget, list of refreshes) are parsed one by one. Damage to one part
  costs that part only.
- A value whose instants are damaged counts as expired. An exclusive source continues from it.
- An instant may lie at most 15 minutes beyond the server's time, a cool-down or mint budget a day and 15 minutes, and the end of a value ten
  years. A lease lasts at most 15 minutes, the longest invocation. What lies beyond is void.
- A version or an epoch is a number, not an instant. One above 2⁵² is damage, and counting starts again from the time, so no
  later write becomes unreadable.
- An unknown kind of failure counts as \`unavailable\`.
- A conflict that shows the expected record is not a reason to write again and again: after three writes the call ends
  with \`STORE_CONFLICT\`.
- Text from the store is shown without control characters and cut to a length.

With a codec, someone without the key cannot change what a value says of itself: see [sealing](security.md#sealing).

## The kinds

Tests plant each of them in memory, DynamoDB, S3, Upstash and Redis, with and without the SDK. No call takes longer than its timeout or
writes more than five times.

| the record has or is | shared source | exclusive source |
|---|---|---|
${rows.join('\n')}
| an item that another program wrote, without a tag | one fetch, and the record is repaired | \`STORE_UNREADABLE\` |
| a DynamoDB item whose \`tag\` is empty, a number or a list | one fetch, and the record is repaired | \`STORE_UNREADABLE\` |
`
}
