// Serves the demo: set-up, builds, then the dev server of examples/vite-react.
//
//   npm start [-- --port 4000]

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { buildPackages, buildWasm } from './build.mjs'
import { Failure, program, ROOT } from './lib/process.mjs'
import { setup } from './setup.mjs'

const EXAMPLE = path.join(ROOT, 'examples/vite-react')

await program(import.meta, async (args) => {
  await setup({ forTests: false })
  await buildWasm()
  await buildPackages()
  const vite = path.join(EXAMPLE, 'node_modules/.bin/vite')
  if (!existsSync(vite)) throw new Failure('examples/vite-react has no vite to serve it with.')
  // Inherited streams, same process group: Vite prints its URL, and Ctrl-C reaches it.
  const server = spawn(vite, args, { cwd: EXAMPLE, stdio: 'inherit' })
  server.on('exit', (code) => process.exit(code ?? 0))
})
