/** What a page is made of. */
export interface Results {
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Name of the column, package, version. */
  readonly versions: readonly (readonly [name: string, package_: string, version: string])[]
  readonly machine: string
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** The page of documentation. */
export function pageOf({ head, rows, versions, machine }: Results): string {
  return `# Failures in other libraries

What each library does when many callers ask at once, when the issuer refuses, throttles or is down, and when a token has a short
lifetime. All rows are one run of \`pnpm behavior\`, which writes this page, against imitations of the issuers that take 50 ms to answer and
count their requests. Only counts are compared, so the machine hardly matters; it was one of ${machine}.

${[head, head.map(() => '---'), ...rows].map(lineOf).join('\n')}

"–": the library has no such feature, or the user chooses the key.

## How it was measured

- Each get is a call of the real package, set up as its documentation shows, with its defaults, in one process. Ten gets
  come one after the other. Only the last row takes several processes; there warmtoken has DynamoDB (dynalite) as its store.
- Time is simulated: \`Date\` is moved for the peers and the issuers, and warmtoken is given clocks that move
  with it. "Two minutes after" means that.
- The issuer of each: OAuth 2.0 client credentials in Microsoft's form for warmtoken, msal-node and the caches; Feishu,
  GitHub for their clients; a refresh token grant for google-auth-library. A wrong secret is refused with what the issuer
  really answers; GitHub's is another App's key.
- google-auth-library repeats a request after 429 and 5xx, so ten gets are more than ten requests.
- A client of the AWS SDK caches the credentials that a function returns; the first get asks twice for those that expire
  within five minutes. A custom Powertools provider caches a value for five seconds unless configured otherwise.
- Middy's pattern is the boilerplate of its page [Internal Storage](https://middy.js.org/docs/writing-middlewares/internal-storage/),
  which caches a promise forever, also a rejected one, and a token past its expiry.
- octokit auth-app caches a token for 59 minutes whatever its expiry, so a token of 170 s is served long after it expired.
  That is why these two have no errors in the row "170 s left".
- Two hosts: both are asked at the same moment and then in turn, with the same ids; the smaller number of different tokens
  counts. Clients of the Feishu SDK share a cache whose keys lack the host; octokit joins concurrent requests by the
  installation's id alone. [warmtoken's caches](interop.md) solve the first. The second happens inside octokit.
- One 503: five clients, each with a cache of its own, ask at the same moment; warmtoken's share a store.
- A refusal of the API is told to each library as its documentation shows: \`reject\` of warmtoken, \`skipCache\` of msal,
  \`refresh\` of octokit, \`refreshAccessToken\` of google-auth-library. The others have no way to say it. The issuer that repeats
  its token is Feishu's, for warmtoken too.
- Rotations: the issuer tolerates a spent refresh token for a minute and counts it. Other issuers end the
  whole chain at the first reuse. msal-node's row is \`acquireTokenByRefreshToken\`.

| column | package | version |
|---|---|---|
${versions.map(lineOf).join('\n')}

The tests assert warmtoken's column at every run, for a fleet (\`test/interop/must-hold.test.ts\`).
`
}
