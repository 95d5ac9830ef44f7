// webpack, which makes workers classic scripts.
import path from 'node:path'
import { startServer } from '../server/server.mjs'
import { checkBundled } from '../support/bundled.js'
import { run, versionOf } from '../support/packed.js'
import { packedApp } from '../support/packed-app.js'

const WEBPACK = '5.112.2'
const react = versionOf('react')

checkBundled({
  title: 'webpack 5, production build',
  start() {
    const app = packedApp({
      name: 'webpack-5',
      dependencies: { react, 'react-dom': react, webpack: WEBPACK },
      sources: ['bundlers/page', 'bundlers/webpack-5'],
    })
    app.make(['dist'], () => run(process.execPath, ['build.mjs'], app.folder))
    return startServer({ root: path.join(app.folder, 'dist') })
  },
  workers: 'classic',
  react,
})
