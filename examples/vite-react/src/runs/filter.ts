/** From the words of an address to a filter of `useRuns`. */
import type { RunStatus } from '@stepwell/core'
import { bulletin, countFlights, flights, hourReport, importCsv } from '../jobs.ts'
import { LABELS } from '../labels.ts'
import type { Words } from '../route.ts'

const JOB_NAMES = [
  flights.name,
  importCsv.name,
  hourReport.name,
  bulletin.name,
  countFlights.name,
] as const
const STATUSES = [
  'pending',
  'running',
  'waiting',
  'completed',
  'failed',
  'cancelled',
] as const satisfies readonly RunStatus[]

interface Choice {
  /** Its word in the address; of a label the label's key. */
  readonly key: string
  readonly name: string
  readonly values: readonly string[]
  /** What is shown where nothing is chosen. */
  readonly otherwise?: string
}

/** What the visitor may choose from. */
export const CHOICES: readonly Choice[] = [
  { key: 'job', name: 'Job', values: JOB_NAMES },
  { key: 'status', name: 'Status', values: STATUSES },
  { key: 'source', name: 'Source', values: LABELS.source },
  { key: 'daypart', name: 'Part of day', values: LABELS.daypart },
  { key: 'children', name: 'Children', values: ['shown'], otherwise: 'hidden' },
]

export const isFiltered = (words: Words): boolean => CHOICES.some(({ key }) => words[key])

/** What the address asks for and this demo does not have does not restrict. */
export function filterOf(words: Words) {
  const job = JOB_NAMES.find((name) => name === words['job'])
  const status = STATUSES.find((name) => name === words['status'])
  const labels = labelsOf(words)
  // By the fifty they would hide all else. One who asks for their job wants them.
  const areChildrenShown = words['children'] === 'shown' || job === countFlights.name
  return {
    ...(job && { job }),
    ...(status && { status }),
    ...(!areChildrenShown && { parent: null }),
    ...(labels.length > 0 && { labels: Object.fromEntries(labels) }),
  }
}

function labelsOf(words: Words): [key: string, value: string][] {
  return Object.entries(LABELS).flatMap(([key, values]) => {
    const value = values.find((known) => known === words[key])
    return value === undefined ? [] : [[key, value]]
  })
}
