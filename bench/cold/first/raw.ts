import { place, sendByHttps, signedRead, tokenIn } from '../signed.ts'

/** The token, by one request signed by hand. */
export async function main(): Promise<string> {
  return tokenIn(await sendByHttps(signedRead(place())))
}
