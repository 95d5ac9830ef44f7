// What users download.
import path from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { pageCode } from '../../scripts/lib/page-code.mjs'
import { bundleSizes } from '../bundle.mjs'
import { atMost, missing, row } from '../rows.mjs'

const BENCH = path.join(import.meta.dirname, '..')
const KB = 1_000

/** The executor in the page is for apps without a worker. */
const isLoadedByStepwell = ({ fileName }) => !fileName.includes('in-page')
/** SQLite in the page is for databases in memory, and its other worker is nobody's here. */
const isLoadedByDurably = ({ type, fileName }) =>
  !fileName.includes('sqlite3-worker1') && !(type === 'chunk' && fileName.includes('/dist-'))

async function sizes(lab) {
  const ours = await bundleSizes(path.join(BENCH, 'pages/minimal/page.ts'), isLoadedByStepwell)
  const theirs =
    lab.without === null
      ? await bundleSizes(path.join(BENCH, 'durably/pages/minimal.js'), isLoadedByDurably)
      : null
  const { files } = await pageCode()
  const page = files.reduce((bytes, file) => bytes + brotliCompressSync(file).length, 0) / KB
  const line = (label, bytesOf, budgets = []) =>
    row(label, 'KB', {
      stepwell: one(bytesOf(ours) / KB),
      durably: theirs === null ? missing(lab.without) : one(bytesOf(theirs) / KB),
      budgets,
    })
  return [
    line('all', ({ js, wasm }) => js + wasm),
    line('WebAssembly', ({ wasm }) => wasm, [atMost(380, ours.wasm / KB, 'KB')]),
    line('JavaScript', ({ js }) => js),
    row('… of which the page has before it calls anything', 'KB', {
      stepwell: one(page),
      durably: missing(''),
      budgets: [atMost(12, page, 'KB')],
    }),
  ]
}

function one(sample) {
  return { samples: [sample], notRun: null }
}

export const cases = [
  {
    id: 'sizes',
    title: 'What an app downloads',
    about:
      'KB (1,000 bytes) after brotli, without React, of the least app with one job and all hooks, built by Vite; files that ' +
      'such an app never loads are left out.',
    take: sizes,
  },
]
