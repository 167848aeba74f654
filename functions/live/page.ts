import script from './browser.ts?browser'
import { urls } from './composition.ts'

const html = `<!doctype html>
<meta charset="utf-8">
<title>Posts, live</title>
<link rel="icon" href="data:,">
<script type="module" src="/live.js"></script>
<body data-ws="${urls.ws}" data-sse="${urls.sse}">
<h1>Posts <small id="state"></small></h1>
<form id="signin">
  <input name="name" placeholder="name" required> <input name="password" type="password" placeholder="password" required>
  <button name="act" value="sign-in">Sign in</button> <button name="act" value="sign-up">Sign up</button>
</form>
<form id="new"><input name="text" placeholder="What is new?" maxlength="280" required> <button>Post</button></form>
<h2>Newest</h2>
<ul id="posts"></ul>
<h2>Leaderboard</h2>
<ol id="leaders"></ol>
</body>`

const policy = `default-src 'none'; script-src 'self'; connect-src 'self' ${urls.ws} ${urls.sse}; img-src data:; frame-ancestors 'none'`

/** `GET /live` and `GET /live.js`: posts and a leaderboard that change in every tab. */
export async function handler({ rawPath }: { readonly rawPath: string }) {
  const headers = {
    'content-security-policy': policy,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
  if (rawPath.endsWith('.js'))
    return { statusCode: 200, headers: { ...headers, 'content-type': 'text/javascript' }, body: script }
  return { statusCode: 200, headers: { ...headers, 'content-type': 'text/html; charset=utf-8' }, body: html }
}
