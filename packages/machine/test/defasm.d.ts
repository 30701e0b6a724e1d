// @defasm/core ships no types; this is what the tests use of it.
declare module '@defasm/core' {
  export class AssemblyState {
    constructor(config: { syntax: { intel: boolean; prefix: boolean }; writableText?: boolean })
    compile(source: string): void
    readonly head: { dump(): Uint8Array }
    readonly errors: readonly { message: string }[]
  }
}
