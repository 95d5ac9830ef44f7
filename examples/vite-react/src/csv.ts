/** What is to be known about the columns of any CSV file. Runs in the worker. */
import Papa from 'papaparse'
import { z } from 'zod'

const columnSchema = z.object({
  name: z.string(),
  filled: z.number(),
  /** How many values are numbers, and what they are. */
  numbers: z.number(),
  sum: z.number(),
  min: z.number().nullable(),
  max: z.number().nullable(),
})

export const tableSchema = z.object({ rows: z.number(), columns: z.array(columnSchema) })

export type Table = z.output<typeof tableSchema>
export type Column = z.output<typeof columnSchema>

export interface Csv {
  readonly names: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A worker that was started anew parses again: the file is stored with the run, and its rows are not. */
export async function parse(file: File): Promise<Csv> {
  const { data } = Papa.parse<string[]>(await file.text(), { skipEmptyLines: 'greedy' })
  const [names, ...rows] = data
  if (names === undefined) throw new Error('The file is empty: it has not even a row of names.')
  return { names, rows }
}

export function summarise(names: readonly string[], rows: Csv['rows']): Table {
  const columns = names.map((name, i) =>
    summariseColumn(
      name,
      rows.map((row) => row[i]?.trim() ?? ''),
    ),
  )
  return { rows: rows.length, columns }
}

function summariseColumn(name: string, values: readonly string[]): Column {
  const filled = values.filter((value) => value !== '')
  const numbers = filled.map(Number).filter(Number.isFinite)
  let column: Column = { name, filled: filled.length, numbers: 0, sum: 0, min: null, max: null }
  for (const number of numbers) {
    const one = { name, filled: 0, numbers: 1, sum: number, min: number, max: number }
    column = mergeColumns(column, one)
  }
  return column
}

export function mergeTables(a: Table | null, b: Table): Table {
  if (a === null) return b
  const columns = b.columns.map((column, i) => {
    const known = a.columns[i]
    return known === undefined ? column : mergeColumns(known, column)
  })
  return { rows: a.rows + b.rows, columns }
}

function mergeColumns(a: Column, b: Column): Column {
  return {
    name: a.name,
    filled: a.filled + b.filled,
    numbers: a.numbers + b.numbers,
    sum: a.sum + b.sum,
    min: a.min === null || b.min === null ? (a.min ?? b.min) : Math.min(a.min, b.min),
    max: a.max === null || b.max === null ? (a.max ?? b.max) : Math.max(a.max, b.max),
  }
}
