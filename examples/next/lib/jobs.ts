/**
 * The job, and the entry of the worker that runs it. Pages import this module too, for its name and types: keep React
 * components and everything that needs a window or a server out of it.
 */
import { defineJob, NonRetryableError, RetryAfterError, type StepContext } from '@stepwell/core'
import { serveJobs } from '@stepwell/core/executor'
import Papa from 'papaparse'
import { z } from 'zod'
import { contactSchema } from './contact'

const summarySchema = z.object({ added: z.number(), updated: z.number(), rejected: z.number() })
const answerSchema = z.object({ outcome: z.enum(['added', 'updated']) })

export const importContacts = defineJob({
  name: 'import-contacts',
  input: z.object({ file: z.instanceof(File) }),
  output: summarySchema,
  labels: z.object({ source: z.enum(['file', 'sample']) }),
  run: async (step, { file }) => {
    const rows = await readRows(file) // the same each time that the run resumes
    const summary = { added: 0, updated: 0, rejected: 0 }
    for (const [i, row] of rows.entries()) {
      const outcome = await step.run(`row-${i + 1}`, (context) => importRow(row, context), {
        // A closed API: again after 250 ms, 500 ms, … 4 s, for some five minutes.
        retry: { maxAttempts: 80, initialDelay: '250ms', factor: 2, maxDelay: '4s' },
        timeout: '10s',
        network: 'online',
      })
      summary[outcome] += 1
      step.progress(i + 1, rows.length)
    }
    return summary
  },
})

async function readRows(file: File): Promise<Record<string, string>[]> {
  const options = { header: true, skipEmptyLines: true, transformHeader: toName } as const
  const { data } = Papa.parse<Record<string, string>>(await file.text(), options)
  if (data.length === 0) throw new NonRetryableError('The file has no rows.')
  return data
}

const toName = (header: string) => header.trim().toLowerCase()

async function importRow(
  row: Record<string, string>,
  { signal, idempotencyKey, log }: StepContext,
) {
  const contact = contactSchema.safeParse(row)
  if (!contact.success) {
    const reasons = contact.error.issues.map(({ message }) => message).join(', ')
    log.warn(`${row.name || 'A row'} is left out: ${reasons}`, row)
    return 'rejected'
  }
  const response = await fetch(`${location.origin}/api/contacts`, {
    method: 'POST',
    // The same at every attempt, and after a crash: the server takes this row once.
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(contact.data),
    signal,
  })
  if (response.ok) {
    const { outcome } = answerSchema.parse(await response.json())
    log.info(`${contact.data.name} ${outcome}`)
    return outcome
  }
  const retryAfter = response.headers.get('retry-after')
  if (response.status === 429 && retryAfter !== null) {
    throw new RetryAfterError('The API wants a pause.', { after: `${Number(retryAfter)}s` })
  }
  if (response.status < 500) throw new NonRetryableError(`The API refused it: ${response.status}.`)
  throw new Error(`The API is down: ${response.status}.`)
}

export const jobs = serveJobs({ importContacts })
