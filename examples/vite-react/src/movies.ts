/** The data set: 3,201 films as `vega-datasets` ships them, holes and errors included. Runs in the worker. */
import { z } from 'zod'

const rowsSchema = z.array(
  z.object({
    Title: z.union([z.string(), z.number()]).nullable(),
    'Release Date': z.string(),
    'Major Genre': z.string().nullable(),
    'Worldwide Gross': z.number().nullable(),
    'IMDB Rating': z.number().nullable(),
    'IMDB Votes': z.number().nullable(),
  }),
)

export type Row = z.output<typeof rowsSchema>[number]

let loading: Promise<Row[]> | undefined

/** One download per worker, shared by all steps and runs: therefore it takes no signal of any one of them. */
export function loadMovies(): Promise<Row[]> {
  loading ??= download().catch((reason: unknown) => {
    loading = undefined
    throw reason
  })
  return loading
}

async function download(): Promise<Row[]> {
  // The package's exports allow no subpath, so the file is named by its place; Vite makes an asset of it.
  const url = new URL('../node_modules/vega-datasets/data/movies.json', import.meta.url)
  const response = await fetch(url)
  if (!response.ok)
    throw new Error(`The data set answered ${response.status} ${response.statusText}.`)
  return rowsSchema.parse(await response.json())
}
