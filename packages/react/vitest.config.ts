import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const react18 = (name: string) =>
  fileURLToPath(new URL(`./test/react-18/node_modules/${name}`, import.meta.url))

// The built package, as users get it, on both versions of React that it supports.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'react-19' } },
      {
        resolve: { alias: { react: react18('react'), 'react-dom': react18('react-dom') } },
        test: { name: 'react-18', env: { REACT_MAJOR: '18' } },
      },
    ],
  },
})
