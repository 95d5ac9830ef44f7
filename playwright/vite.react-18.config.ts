import path from 'node:path'
import { defineConfig } from 'vite'

const PAGES = path.join(import.meta.dirname, 'pages')
const REACT_18 = path.join(import.meta.dirname, '../packages/react/test/react-18/node_modules')

// The hooks' page once more, on the oldest major version of React that is supported. All else is as in vite.config.ts.
export default defineConfig({
  root: PAGES,
  base: '/react-18/',
  logLevel: 'error',
  resolve: {
    alias: { react: path.join(REACT_18, 'react'), 'react-dom': path.join(REACT_18, 'react-dom') },
  },
  build: {
    outDir: path.join(import.meta.dirname, 'dist/react-18'),
    emptyOutDir: true,
    sourcemap: false,
    rollupOptions: { input: { react: path.join(PAGES, 'react.html') } },
  },
})
