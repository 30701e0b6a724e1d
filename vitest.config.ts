import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: ['packages/*', 'apps/*', 'grading/*'],
    maxWorkers: '100%', // by default one CPU is left idle, half of them on a small machine
    reporters: ['default', './tools/plain-summary.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**', 'packages/*/lib/**', 'apps/*/src/**'],
      reporter: ['text-summary'],
    },
  },
})
