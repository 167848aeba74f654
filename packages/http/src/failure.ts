/** An error of a name that tells what failed, and of the system's code for it where there is one. */
export function failure(name: string, message: string, code?: string): Error {
  return Object.assign(new Error(message), { name, ...(code !== undefined && { code }) })
}

export function unreadable(message: string): Error {
  return failure('AnswerUnreadable', message)
}

/** The error for what a socket says: its words hold an address, nothing of what was sent. Of several addresses it says none. */
export function networkError({ message, code }: Error & { readonly code?: string }): Error {
  return failure('NetworkError', message || `no address answers${code === undefined ? '' : ` (${code})`}`, code)
}
