import path from 'node:path'
import { defineConfig } from 'vite'

// No alias: the page measures the built packages, by the exports of their package.json.
export default defineConfig({
  root: path.join(import.meta.dirname, 'pages'),
  logLevel: 'warn',
  worker: { format: 'es' },
  build: {
    outDir: path.join(import.meta.dirname, 'dist'),
    emptyOutDir: true,
    rolldownOptions: {
      input: ['index.html', 'tabs.html'].map((page) =>
        path.join(import.meta.dirname, 'pages', page),
      ),
    },
  },
})
