import { readdirSync } from 'node:fs'
import path from 'node:path'
import { defineConfig } from 'vite'

const PAGES = path.join(import.meta.dirname, 'pages')

// No alias and no plugin: the pages get @stepwell/core and @stepwell/react by the exports of their package.json, as a
// user's app does, and the defaults of Vite are what users have. tests/build.spec.ts checks the result.
export default defineConfig({
  root: PAGES,
  // Warnings would be about 'use client' alone, which only the React plugin knows to be fine.
  logLevel: 'error',
  build: {
    outDir: path.join(import.meta.dirname, 'dist'),
    emptyOutDir: true,
    sourcemap: false,
    rollupOptions: {
      input: Object.fromEntries(
        readdirSync(PAGES)
          .filter((file) => file.endsWith('.html'))
          .map((file) => [file.slice(0, -5), path.join(PAGES, file)]),
      ),
    },
  },
})
