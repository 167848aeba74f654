/** The part of `oidc-provider` used here; the package itself brings no types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  export interface Context {
    readonly method: string
    readonly path: string
    readonly oidc?: { readonly client?: { readonly clientId: string } }
  }

  export interface Adapter {
    upsert(id: string, payload: object, expiresIn?: number): Promise<void>
    find(id: string): Promise<object | undefined>
    findByUserCode(userCode: string): Promise<object | undefined>
    findByUid(uid: string): Promise<object | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }

  /** What the provider gives out and keeps; saving one resolves to its value. */
  export interface Kept {
    save(): Promise<string>
  }

  export interface Grant extends Kept {
    addResourceScope(resource: string, scope: string): void
  }

  export default class Provider {
    readonly Client: { find(id: string): Promise<object | undefined> }
    readonly Grant: new (given: {
      readonly accountId: string
      readonly clientId: string
    }) => Grant
    readonly RefreshToken: new (
      given: object,
    ) => Kept

    constructor(
      issuer: string,
      configuration: { readonly adapter: (model: string) => Adapter } & Readonly<Record<string, unknown>>,
    )
    use(middleware: (context: Context, next: () => Promise<void>) => Promise<void>): this
    callback(): RequestListener
  }
}
