import { place, sendByHttps, signedRead, tokenIn } from '../signed.ts'

/** The token, by one request signed by hand. */
export const main = async (): Promise<string> => tokenIn(await sendByHttps(signedRead(place())))
