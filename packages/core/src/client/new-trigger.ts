/** From an input and options to a run to be made: what `trigger` sends, and what a parent sends for each of its children. */
import type { Encoded, NewBlob } from '../codec/codec.js'
import type { NewTrigger } from '../generated/protocol.js'
import type { JobDefinition } from '../job.js'
import { validate } from '../schema.js'
import { checkLabels, type StoredLabels } from './labels.js'
import type { TriggerSettings } from './trigger-options.js'

export interface Prepared {
  readonly run: NewTrigger
  readonly blobs: readonly NewBlob[]
}

/**
 * @param settings checked by `checkTriggerOptions`, or by `checkChildOptions`.
 * @param what the function whose options they are, for messages.
 */
export async function newTrigger(
  encode: (value: unknown, what: string) => Encoded,
  job: JobDefinition,
  input: unknown,
  settings: TriggerSettings,
  what: string,
): Promise<Prepared> {
  const { labels, ...rest } = settings
  const { name: jobName, maxRecoveries, retry, timeoutMs } = job
  const whatInput = `The input of job ${JSON.stringify(jobName)}`
  const parsed = job.input === undefined ? input : await validate(job.input, input, whatInput)
  const stored = await labelsOf(job, labels, `The option labels of ${what}`)
  const { payload, blobs } = encode(parsed, whatInput)
  const policy = { maxRecoveries, retry, timeoutMs }
  const run = { ...rest, ...policy, jobName, labels: stored, input: payload, blobs: idsOf(blobs) }
  return { run, blobs }
}

export function idsOf(blobs: readonly NewBlob[]): string[] {
  return blobs.map(({ id }) => id)
}

/** The labels of a trigger as they are stored: what the job's schema, where it has one, makes of them. */
async function labelsOf(job: JobDefinition, value: unknown, name: string): Promise<StoredLabels> {
  if (job.labels === undefined) return checkLabels(value, name)
  const what = `The labels of job ${JSON.stringify(job.name)}`
  return checkLabels(await validate(job.labels, value ?? {}, what), what)
}
