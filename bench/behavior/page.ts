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
  return `# When things go wrong, beside others

What each does when many ask at once, when the issuer refuses, throttles or is down, and when a token is short. All rows
are one run of \`pnpm behavior\`, which writes this page, against imitations of the issuers that take 50 ms to answer and
count what they are asked. Only counts are compared, so the machine hardly matters; it was one of ${machine}.

${[head, head.map(() => '---'), ...rows].map(lineOf).join('\n')}

"–": it has nothing of the kind, or the user makes the key.

## How it was measured

- Each get is a call of the real package, set up as its documentation shows, with its defaults, in one process. Ten gets
  come one after the other. Only the last row takes several processes; there warmtoken has DynamoDB (dynalite) as its store.
- Time is moved, not waited for: \`Date\` is moved for the peers and the issuers, and warmtoken is given clocks that move
  with it. "Two minutes after" means that.
- The issuer of each: OAuth 2.0 client credentials in Microsoft's form for warmtoken, msal-node and the caches; Feishu,
  GitHub for their clients; a refresh token grant for google-auth-library. A wrong secret is refused with what the issuer
  really answers; GitHub's is another App's key.
- google-auth-library repeats a request by itself after 429 and 5xx, so ten gets are more than ten requests.
- A client of the AWS SDK keeps the credentials that a function gives it; the first get asks twice for those that end
  within five minutes. A Powertools provider of one's own keeps a value for five seconds unless it is told otherwise.
- Middy's pattern is the boilerplate of its page [Internal Storage](https://middy.js.org/docs/writing-middlewares/internal-storage/),
  which keeps a promise for ever: a rejected one too, and a token beyond its end.
- octokit auth-app keeps a token for 59 minutes whatever its end is, so a token of 170 s is served long after it is over.
  That is why these two have no errors in the row of the 170 s that are left.
- Two hosts: both are asked at the same moment and then in turn, with the same ids; the smaller number of different tokens
  counts. Clients of the Feishu SDK share a cache whose keys lack the host; octokit joins requests under way by the
  installation's id alone. With [our caches in them](interop.md) the first is cured, the second is not ours to cure.
- Rotations: the issuer tolerates a spent refresh token for a minute and counts it. An issuer that does not, ends the
  whole chain at the first reuse. msal-node's row is \`acquireTokenByRefreshToken\`.

| column | package | version |
|---|---|---|
${versions.map(lineOf).join('\n')}

What is said of warmtoken is also asserted at every run of the tests, for a fleet (\`test/interop/must-hold.test.ts\`).
`
}
