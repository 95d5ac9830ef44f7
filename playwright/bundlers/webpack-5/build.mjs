// Instead of webpack-cli: one dependency fewer.
import { copyFileSync } from 'node:fs'
import webpack from 'webpack'
import config from './webpack.config.mjs'

webpack(config, (error, stats) => {
  if (error !== null || stats.hasErrors() || stats.hasWarnings()) {
    console.error(error ?? stats.toString('errors-warnings'))
    process.exitCode = 1
    return
  }
  copyFileSync('index.html', 'dist/index.html')
})
