import { json } from '../accounts/http.ts'
import { posts } from './composition.ts'

/** `GET /posts`. */
export async function handler() {
  return json(200, await posts.list())
}
