// What a page of @stepwell/core and @stepwell/react loads, as a bundler splits it: minified, without React.

import path from 'node:path'
import { ROOT } from './process.mjs'

const CORE = path.join(ROOT, 'packages/core/dist')
const REACT = path.join(ROOT, 'packages/react/dist')
/** Those that a page loads by `import()`. */
const RUNTIME = path.join(CORE, 'client/runtime.js')
const PAGE_EXECUTOR = path.join(CORE, 'executor/in-page.js')

const PAGE = `
  import { createStepwell, defineJob } from ${JSON.stringify(path.join(CORE, 'index.js'))}
  import * as hooks from ${JSON.stringify(path.join(REACT, 'index.js'))}
  globalThis.used = [createStepwell, defineJob, hooks]
`
/** For a page that imports its jobs from the module of the worker: by itself, and as the plugin for Vite builds it. */
const SERVE_JOBS = { whole: 'executor.js', plugin: 'executor-page.js' }

/** The files that a page loads at once, and beside them those that it loads when it needs them. */
export async function pageCode(serveJobs = null) {
  const chunks = await bundled(serveJobs === null ? PAGE : PAGE + importOf(SERVE_JOBS[serveJobs]))
  const loaded = new Set()
  /** The chunk and what it imports, without what an earlier call took. */
  const take = (chunk) => {
    if (chunk === undefined || loaded.has(chunk)) return []
    loaded.add(chunk)
    const imported = chunks.filter(({ fileName }) => chunk.imports.includes(fileName))
    return [chunk.code, ...imported.flatMap(take)]
  }
  const entryOf = (file) => {
    const chunk = chunks.find(({ facadeModuleId }) => facadeModuleId === file)
    if (chunk?.isDynamicEntry) return chunk
    throw new Error(`${path.relative(ROOT, file)} is not loaded by import() alone.`)
  }
  return {
    files: take(chunks.find(({ isEntry }) => isEntry)),
    beside: {
      'with the first call or hook': take(entryOf(RUNTIME)),
      'where jobs run in the page': take(entryOf(PAGE_EXECUTOR)),
    },
  }
}

function importOf(file) {
  return `
    import { serveJobs } from ${JSON.stringify(path.join(CORE, file))}
    globalThis.used.push(serveJobs)
  `
}

async function bundled(code) {
  // Not at the head: `npm test` installs it.
  const { rolldown } = await import('rolldown')
  const bundle = await rolldown({
    input: 'page',
    external: /^react(\/|$)/,
    platform: 'browser',
    // 'use client' is for frameworks that split by it.
    checks: { moduleLevelDirective: false },
    onLog(_level, { message }) {
      throw new Error(message)
    },
    plugins: [
      {
        name: 'page',
        resolveId: (id) => (id === 'page' ? id : null),
        load: (id) => (id === 'page' ? code : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  return output.filter(({ type }) => type === 'chunk')
}
