/** The options of `useJob`: which run it shows, and what its triggers say where the call says nothing. */
import { checkLabelsFilter } from '../client/labels.js'
import { ID_LENGTH_MAX } from '../client/resolve.js'
import { checkTriggerOptions, TRIGGER_OPTIONS } from '../client/trigger-options.js'
import type { Labels } from '../infer.js'
import { checkBoolean, checkOptions, checkText } from '../options.js'

const HOOK = 'useJob'
const SHOWN_OPTIONS = ['autoResume', 'followLatest', 'initialRunId']

/** Which runs a hook takes for its own. */
export interface JobRuns {
  readonly jobName: string
  readonly labels: Labels
  readonly concurrencyKey: string | undefined
}

export interface CheckedJobOptions {
  readonly autoResume: boolean
  readonly followLatest: boolean
  readonly initialRunId: string | null
  readonly labels: Labels
  readonly concurrencyKey: string | undefined
}

export function checkJobOptions(options: unknown): CheckedJobOptions {
  const given = checkOptions(options, HOOK, [...SHOWN_OPTIONS, ...TRIGGER_OPTIONS])
  const { autoResume = true, followLatest = false, initialRunId, labels } = given
  const name = (option: string) => `The option ${option} of ${HOOK}`
  const { concurrencyKey } = checkTriggerOptions(given, HOOK, SHOWN_OPTIONS)
  return {
    autoResume: checkBoolean(autoResume, name('autoResume')),
    followLatest: checkBoolean(followLatest, name('followLatest')),
    initialRunId:
      initialRunId === undefined
        ? null
        : checkText(initialRunId, name('initialRunId'), ID_LENGTH_MAX),
    labels: checkLabelsFilter(labels, name('labels')),
    concurrencyKey,
  }
}

/**
 * The options of a call, with the hook's own for those that it leaves out. Labels are merged one by one, so that a run
 * keeps those by which this hook finds it again after a reload.
 */
export function withDefaults(defaults: object, call: unknown): unknown {
  const own = definedOptions(defaults, TRIGGER_OPTIONS)
  if (call === undefined) return own
  // Whatever it is, it is refused where the options are checked.
  if (!isRecord(call)) return call
  const given = definedOptions(call)
  if ('delay' in given || 'startAt' in given) {
    delete own['delay']
    delete own['startAt']
  }
  const [labels, more] = [own['labels'], given['labels']]
  if (isRecord(labels) && isRecord(more)) given['labels'] = { ...labels, ...more }
  return { ...own, ...given }
}

function definedOptions(options: object, known?: readonly string[]): Record<string, unknown> {
  const entries = Object.entries(options).filter(
    ([key, value]) => value !== undefined && (known === undefined || known.includes(key)),
  )
  return Object.fromEntries(entries)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
