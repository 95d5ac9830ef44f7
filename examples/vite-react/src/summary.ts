/** What the import makes of the rows: cleaned, grouped, added up. Summaries of batches can be merged. */
import { z } from 'zod'
import type { Row } from './movies.ts'

const bestSchema = z.object({ title: z.string(), year: z.number(), rating: z.number() })

const groupSchema = z.object({
  films: z.number(),
  gross: z.number(),
  rated: z.number(),
  ratingSum: z.number(),
  best: bestSchema.nullable(),
})

export const summarySchema = z.object({
  films: z.number(),
  /** How many values of the source had to be mended, by kind. */
  repairs: z.object({ title: z.number(), genre: z.number(), century: z.number() }),
  groups: z.record(z.string(), groupSchema),
})

export type Summary = z.output<typeof summarySchema>
type Group = z.output<typeof groupSchema>
export type GroupBy = 'genre' | 'decade'

/** No film of the set is newer. Some are dated later: their year was written with two digits. */
const NEWEST_YEAR = 2011
const VOTES_MIN = 1000

export const EMPTY: Summary = {
  films: 0,
  repairs: { title: 0, genre: 0, century: 0 },
  groups: {},
}

/** @param note is told in words of each repair that a reader may want to check. */
export function summarise(
  rows: readonly Row[],
  groupBy: GroupBy,
  note: (text: string) => void,
): Summary {
  let summary = EMPTY
  for (const row of rows) summary = merge(summary, clean(row, groupBy, note))
  return summary
}

function clean(row: Row, groupBy: GroupBy, note: (text: string) => void): Summary {
  const title = row.Title === null ? 'Untitled' : String(row.Title)
  const written = Number(row['Release Date'].slice(-4))
  const year = written > NEWEST_YEAR ? written - 100 : written
  if (year !== written) note(`“${title}” is dated ${written}; taken as ${year}`)
  const genre = row['Major Genre'] ?? 'Unknown'
  const rating = row['IMDB Rating']
  const known = rating !== null && (row['IMDB Votes'] ?? 0) >= VOTES_MIN
  const group: Group = {
    films: 1,
    gross: row['Worldwide Gross'] ?? 0,
    rated: rating === null ? 0 : 1,
    ratingSum: rating ?? 0,
    best: known ? { title, year, rating } : null,
  }
  return {
    films: 1,
    repairs: {
      title: typeof row.Title === 'string' ? 0 : 1,
      genre: row['Major Genre'] === null ? 1 : 0,
      century: year === written ? 0 : 1,
    },
    groups: { [groupBy === 'genre' ? genre : `${Math.floor(year / 10) * 10}s`]: group },
  }
}

export function merge(a: Summary, b: Summary): Summary {
  const groups = { ...a.groups }
  for (const [key, group] of Object.entries(b.groups)) {
    const other = groups[key]
    groups[key] = other === undefined ? group : mergeGroups(other, group)
  }
  return {
    films: a.films + b.films,
    repairs: {
      title: a.repairs.title + b.repairs.title,
      genre: a.repairs.genre + b.repairs.genre,
      century: a.repairs.century + b.repairs.century,
    },
    groups,
  }
}

function mergeGroups(a: Group, b: Group): Group {
  return {
    films: a.films + b.films,
    gross: a.gross + b.gross,
    rated: a.rated + b.rated,
    ratingSum: a.ratingSum + b.ratingSum,
    best: (b.best?.rating ?? 0) > (a.best?.rating ?? 0) ? b.best : a.best,
  }
}

export function repairCount({ repairs }: Summary): number {
  return repairs.title + repairs.genre + repairs.century
}
