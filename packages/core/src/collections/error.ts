import { WarmTokenError } from '../errors.ts'

/** A change would make a collection larger than it may be. Nothing was written. `code` is `COLLECTION_FULL`. */
export class CollectionFullError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'CollectionFullError'

  constructor(key: string, why: string, remedy = 'remove items first, or spread them over several keys') {
    super(`${key} would hold ${why}; ${remedy}`, {
      code: 'COLLECTION_FULL',
      key,
      retryable: false,
    })
  }
}
