/** The data set: 200,000 flights as `vega-datasets` ships them. Runs in the worker. */
import { z } from 'zod'
import type { Flight } from './histogram.ts'

const flightsSchema = z.array(z.object({ delay: z.number(), time: z.number() }))

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
  return flightsSchema.parse(await response.json())
}
