#!/usr/bin/env node
// The package's command. No import and no syntax here that an old Node does not know: it must live to say what is wrong.

const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 11)) {
  import('node:module').then(({ enableCompileCache }) => {
    enableCompileCache()
    return import('../dist/main.js')
  })
} else {
  console.error(`pagewalk: expected Node 24.11 or later, got ${process.versions.node}`)
  process.exitCode = 2
}
