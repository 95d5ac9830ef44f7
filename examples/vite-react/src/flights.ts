/** The data set: 200,000 flights as `vega-datasets` ships them. Runs in the worker. */
import type { Flight } from './histogram.ts'

let loading: Promise<readonly Flight[]> | undefined

/** One download per worker, shared by all steps and runs: therefore it takes no signal of any one of them. */
export function loadFlights(): Promise<readonly Flight[]> {
  loading ??= download().catch((reason: unknown) => {
    loading = undefined
    throw reason
  })
  return loading
}

async function download(): Promise<readonly Flight[]> {
  // The package's exports allow no subpath, so the file is named by its place; Vite makes an asset of it.
  const url = new URL('../node_modules/vega-datasets/data/flights-200k.json', import.meta.url)
  const response = await fetch(url)
  if (!response.ok)
    throw new Error(`The data set answered ${response.status} ${response.statusText}.`)
  const rows: unknown = await response.json()
  if (!Array.isArray(rows) || !rows.every(isFlight))
    throw new Error('The data set is not a list of flights with a delay and a time.')
  return rows
}

/** By hand: a schema takes as long for 200,000 rows as all the rest of a worker's start. */
function isFlight(row: unknown): row is Flight {
  return (
    typeof row === 'object' &&
    row !== null &&
    'delay' in row &&
    typeof row.delay === 'number' &&
    'time' in row &&
    typeof row.time === 'number'
  )
}
