import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    projects: ['packages/*', 'apps/*', 'grading/*'],
    reporters: ['default', './tools/plain-summary.ts'],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**', 'packages/*/lib/**', 'apps/*/src/**'],
      reporter: ['text-summary'],
    },
  },
})
