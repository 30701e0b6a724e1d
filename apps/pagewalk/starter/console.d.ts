/** Text for yourself; `run --headless` shows it. The kernel's own console is the machine's screen. */
declare const console: { log(...values: unknown[]): void }
