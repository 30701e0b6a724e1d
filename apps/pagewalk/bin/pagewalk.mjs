#!/usr/bin/env node
// The command line's first file is JavaScript: so Node finds all the others, stripped and compiled, in its cache, and does
// not load what strips TypeScript.
import { enableCompileCache } from 'node:module'

enableCompileCache()
await import('../src/main.ts')
