import { defineConfig } from 'vite'

// As in playwright/: the built packages by their exports, no alias, no plugin.
export default defineConfig({
  root: import.meta.dirname,
  logLevel: 'warn',
  build: { outDir: 'dist', emptyOutDir: true },
})
