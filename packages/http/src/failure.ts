/** An error of a name that tells what failed, and of the system's code for it where there is one. */
export const failure = (name: string, message: string, code?: string): Error =>
  Object.assign(new Error(message), { name, ...(code !== undefined && { code }) })

export const unreadable = (message: string): Error => failure('AnswerUnreadable', message)

/** The error for what a socket says: its words hold an address, nothing of what was sent. Of several addresses it says none. */
export const networkError = ({ message, code }: Error & { readonly code?: string }): Error =>
  failure('NetworkError', message || `no address answers${code === undefined ? '' : ` (${code})`}`, code)
