/** The page. In the source, so that it is in the bundle. */
const html = `<!doctype html>
<meta charset="utf-8">
<title>Accounts</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }
  button, input { font: inherit; padding: .3rem .6rem }
  li { margin: .4rem 0 }
</style>
<h1>Accounts</h1>
<form id="form">
  <input name="name" placeholder="name" autocomplete="username" required>
  <input name="password" type="password" placeholder="password" autocomplete="current-password" required>
  <button type="submit" name="act" value="sign-in">Sign in</button>
  <button type="submit" name="act" value="sign-up">Sign up</button>
</form>
<p><output id="who">not signed in</output> <output id="note"></output></p>
<ul id="devices"></ul>
<p>
  <button type="button" id="out">Sign out</button>
  <button type="button" id="everywhere">Sign out elsewhere</button>
</p>
<script>
  const ask = (method, path, body) =>
    fetch(path, { method, ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) })
  const say = async (answer) => {
    note.textContent = answer.ok ? '' : answer.status + ': ' + (await answer.json()).error
    await show()
  }
  async function show() {
    const answer = await ask('GET', '/me')
    who.textContent = answer.ok ? 'signed in as ' + (await answer.json()).user : 'not signed in'
    devices.replaceChildren()
    if (!answer.ok) return
    for (const { id, device, current } of await (await ask('GET', '/devices')).json()) {
      const line = document.createElement('li')
      line.textContent = device + (current ? ' (this one) ' : ' ')
      const end = Object.assign(document.createElement('button'), { textContent: 'End' })
      end.onclick = async () => say(await ask('DELETE', '/devices/' + id))
      line.append(end)
      devices.append(line)
    }
  }
  form.onsubmit = async (event) => {
    event.preventDefault()
    const { name, password } = Object.fromEntries(new FormData(form))
    await say(await ask('POST', '/' + event.submitter.value, { name, password }))
  }
  out.onclick = async () => say(await ask('POST', '/sign-out'))
  everywhere.onclick = async () => say(await ask('POST', '/sign-out-everywhere'))
  show()
</script>`

const policy =
  "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; frame-ancestors 'none'"

/** `GET /`: a page to try the accounts with. */
export async function handler() {
  return {
    statusCode: 200,
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
    body: html,
  }
}
