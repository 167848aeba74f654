/** The part of the Serverless Framework's object that the plugins here read and change. */
export interface Serverless {
  /** The command line, by words: `['invoke', 'local']`. */
  readonly processedInput?: { readonly commands: readonly string[] }
  readonly serviceDir: string
  readonly service: {
    readonly provider: {
      environment?: Record<string, string>
      /** The template, once it is compiled. */
      readonly compiledCloudFormationTemplate?: unknown
    }
    /** Its name. */
    readonly service?: string
    readonly functions: Record<string, FunctionDefinition>
    custom?: Record<string, unknown>
  }
}

/** One function of `serverless.yml`. */
export interface FunctionDefinition {
  readonly handler: string
  /** Its name in the account. */
  readonly name?: string
  environment?: Record<string, unknown>
  package?: { readonly artifact?: string }
}

/** What the framework hands to every plugin besides itself. */
export interface PluginUtils {
  readonly log: { notice(text: string): void; error(text: string): void }
}

/** What a plugin gives back: what to do at which step of a command. */
export interface Plugin {
  readonly hooks: Readonly<Record<string, () => void | Promise<void>>>
}
