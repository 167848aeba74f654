/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { live } from '@warmtoken/client'

interface Post {
  readonly id: string
  readonly by: string
  readonly text: string
  readonly likes: number
}

const find = (id: string): HTMLElement => document.getElementById(id) ?? document.body

/** Draws both lists. Texts are set as texts: they come from other users. */
async function draw(): Promise<void> {
  const posts = (await (await fetch('/posts')).json()) as readonly Post[]
  find('posts').replaceChildren(...posts.map(line))
  const leaders = [...posts].sort((one, other) => other.likes - one.likes).slice(0, 5)
  find('leaders').replaceChildren(...leaders.map(({ text, likes }) => item(`${likes} × ${text}`)))
}

function item(text: string): HTMLLIElement {
  return Object.assign(document.createElement('li'), { textContent: text })
}

function line({ id, by, text, likes }: Post): HTMLLIElement {
  const like = Object.assign(document.createElement('button'), { textContent: `♥ ${likes}` })
  like.onclick = () => void fetch(`/posts/${id}/like`, { method: 'POST' })
  const made = item(`${text} (${by}) `)
  made.append(like)
  return made
}

let isDrawing = false
let isStale = false

/** One drawing at a time; what changes meanwhile leads to one more. */
async function redraw(): Promise<void> {
  isStale = true
  if (isDrawing) return
  isDrawing = true
  while (isStale) {
    isStale = false
    await draw().catch(() => undefined)
  }
  isDrawing = false
}

let isFollowing = false

function follow(): void {
  if (isFollowing) return
  isFollowing = true
  const { ws = '', sse = '' } = document.body.dataset
  const only = new URLSearchParams(location.search).get('only')
  const events = live({
    ...(only !== 'sse' && { ws }),
    ...(only !== 'ws' && { sse }),
    ticket: async () => {
      const answer = await fetch('/live/ticket', { method: 'POST' })
      if (!answer.ok) throw new Error(`no ticket: ${answer.status}`)
      return answer.text()
    },
    onState: (state, code) => {
      find('state').textContent = code === undefined ? state : `${state}: ${code}`
    },
  })
  events.subscribe('tag:posts', () => void redraw())
}

addEventListener('submit', async (event) => {
  event.preventDefault()
  const { submitter, target } = event
  if (!(target instanceof HTMLFormElement)) return
  const fields = Object.fromEntries(new FormData(target))
  if (target.id === 'new') {
    await fetch('/posts', { method: 'POST', body: String(fields['text']) })
    target.reset()
    return
  }
  const act = submitter?.getAttribute('value') ?? 'sign-in'
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`/${act}`, { method: 'POST', headers, body: JSON.stringify(fields) })
  find('state').textContent = answer.ok ? act : `${act}: ${answer.status}`
  if (answer.ok && act === 'sign-in') follow()
})

void redraw()
if ((await fetch('/me')).ok) follow()
