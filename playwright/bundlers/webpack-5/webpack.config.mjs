import path from 'node:path'

export default {
  mode: 'production',
  entry: './main.js',
  output: { path: path.join(import.meta.dirname, 'dist'), filename: 'main.js' },
  // The engine is larger than what it warns of.
  performance: { hints: false },
}
