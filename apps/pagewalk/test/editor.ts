// An editor, as far as types go: asks the compiler's language server about one file. Language Server Protocol 3.17.

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const TSC: string = join(
  fileURLToPath(import.meta.resolve('typescript/package.json')),
  '..',
  'bin',
  'tsc',
)

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: unknown
  readonly result?: unknown
}

export class Editor {
  readonly text: string
  readonly #uri: string
  readonly #server: ChildProcess
  readonly #asked = new Map<number, (result: unknown) => void>()
  #received = Buffer.alloc(0)
  #id = 0

  private constructor(dir: string, file: string) {
    this.text = readFileSync(join(dir, file), 'utf8')
    this.#uri = pathToFileURL(join(dir, file)).href
    this.#server = spawn(process.execPath, [TSC, '--lsp', '--stdio'], {
      cwd: dir,
      stdio: ['pipe', 'pipe', 'ignore'], // it logs there
    })
    this.#server.stdout?.on('data', (data: Buffer) => this.#hear(data))
  }
  static async open(dir: string, file: string): Promise<Editor> {
    const editor = new Editor(dir, file)
    const rootUri = pathToFileURL(dir).href
    await editor.#ask('initialize', { processId: process.pid, rootUri, capabilities: {} })
    editor.#send({ method: 'initialized', params: {} })
    const textDocument = { uri: editor.#uri, languageId: 'typescript', version: 1, text: editor.text }
    editor.#send({ method: 'textDocument/didOpen', params: { textDocument } })
    return editor
  }
  async close(): Promise<void> {
    await this.#ask('shutdown', {})
    this.#send({ method: 'exit' })
  }

  /** What is shown for the name at `offset`. */
  async hover(offset: number): Promise<string> {
    const shown = (await this.#ask('textDocument/hover', this.#at(offset))) as {
      contents: { value: string }
    } | null
    return shown?.contents.value ?? ''
  }
  /** The names that are offered at `offset`. */
  async completions(offset: number): Promise<string[]> {
    const offered = (await this.#ask('textDocument/completion', this.#at(offset))) as {
      items: { label: string }[]
    }
    return offered.items.map(({ label }) => label)
  }

  #at(offset: number): object {
    const lines = this.text.slice(0, offset).split('\n')
    const position = { line: lines.length - 1, character: lines.at(-1)?.length }
    return { textDocument: { uri: this.#uri }, position }
  }
  #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#id
    return new Promise((resolve) => {
      this.#asked.set(id, resolve)
      this.#send({ id, method, params })
    })
  }
  #send(message: Message): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))
    this.#server.stdin?.write(`Content-Length: ${body.length}\r\n\r\n`)
    this.#server.stdin?.write(body)
  }
  #hear(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data])
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n')
      const length = Number(/Content-Length: (\d+)/.exec(this.#received.toString('latin1', 0, end))?.[1])
      if (end < 0 || this.#received.length < end + 4 + length) return
      const body = this.#received.toString('utf8', end + 4, end + 4 + length)
      this.#received = this.#received.subarray(end + 4 + length)
      this.#take(JSON.parse(body) as Message)
    }
  }
  /** Answers resolve what was asked; what the server asks is answered with "no settings". */
  #take({ id, method, params, result }: Message): void {
    if (id === undefined) return
    if (method === undefined) return this.#asked.get(id)?.(result)
    const items = (params as { items?: unknown[] } | undefined)?.items
    this.#send({ id, result: items ? items.map(() => null) : null })
  }
}
