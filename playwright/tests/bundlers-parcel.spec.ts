// Parcel, which makes workers classic scripts.
import path from 'node:path'
import { startServer } from '../server/server.mjs'
import { checkBundled } from '../support/bundled.js'
import { run } from '../support/packed.js'
import { packedApp } from '../support/packed-app.js'

const PARCEL = '2.16.4'
const REACT = '18.3.1'

checkBundled({
  title: 'Parcel 2, production build',
  start() {
    const app = packedApp({
      name: 'parcel-2',
      dependencies: { react: REACT, 'react-dom': REACT, parcel: PARCEL },
      manifest: {
        // Parcel looks at the exports of packages only where it is told to.
        '@parcel/resolver-default': { packageExports: true },
        // What classic workers share with the page it writes to an empty file.
        '@parcel/bundler-default': { disableSharedBundles: true },
      },
      sources: ['bundlers/page', 'bundlers/parcel-2'],
    })
    const build = ['build', 'index.html', '--no-cache', '--no-source-maps', '--log-level', 'warn']
    app.make(['dist'], () => run(app.bin('parcel'), build, app.folder))
    return startServer({ root: path.join(app.folder, 'dist') })
  },
  workers: 'classic',
  react: REACT,
})
