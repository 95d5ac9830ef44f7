/** The options of a trigger, checked; all but what a job's schema has to say about its labels. */
import { durationMs } from '../duration.js'
import { checkInteger, checkKey, checkOneOf, checkOptions, checkTime, invalid } from '../options.js'

/** What a child takes: which run it is, its parent's step decides. */
const CHILD_OPTIONS = ['concurrencyKey', 'labels', 'delay', 'startAt', 'priority']
export const TRIGGER_OPTIONS = ['idempotencyKey', 'coalesce', ...CHILD_OPTIONS]

const KEY_CHARS_MAX = 256
const PRIORITY_MAX = 1000

export interface TriggerSettings {
  readonly idempotencyKey: string | undefined
  readonly concurrencyKey: string | undefined
  readonly coalesce: boolean
  /** That of the parent, or 0, where `undefined`. */
  readonly priority: number | undefined
  readonly startAt: number | undefined
  readonly delayMs: number | undefined
  /** Not checked yet: the job's schema comes first. */
  readonly labels: unknown
}

/**
 * @param what the function whose options they are, for messages.
 * @param others options of other kinds that may stand beside them.
 */
export function checkTriggerOptions(
  options: unknown,
  what: string,
  others: readonly string[] = [],
): TriggerSettings {
  return settingsOf(checkOptions(options, what, [...TRIGGER_OPTIONS, ...others]), what)
}

/** The options of a child: all but `idempotencyKey` and `coalesce`. */
export function checkChildOptions(options: unknown, what: string): TriggerSettings {
  return settingsOf(checkOptions(options, what, CHILD_OPTIONS), what)
}

function settingsOf(given: Readonly<Record<string, unknown>>, what: string): TriggerSettings {
  const { coalesce, delay, startAt, priority, labels } = given
  const name = (option: string) => `The option ${option} of ${what}`
  const key = (option: string) => {
    const value = given[option]
    return value === undefined ? undefined : checkKey(value, name(option), KEY_CHARS_MAX)
  }
  const concurrencyKey = key('concurrencyKey')
  if (coalesce !== undefined) {
    checkOneOf(coalesce, name('coalesce'), ['skip'])
    if (concurrencyKey === undefined) {
      throw invalid(
        `${name('coalesce')} needs a concurrencyKey: it is the pending run of that key that is returned.`,
      )
    }
  }
  if (delay !== undefined && startAt !== undefined) {
    throw invalid(`${what} got both delay and startAt. Give one of them.`)
  }
  return {
    idempotencyKey: key('idempotencyKey'),
    concurrencyKey,
    coalesce: coalesce !== undefined,
    priority:
      priority === undefined
        ? undefined
        : checkInteger(priority, name('priority'), -PRIORITY_MAX, PRIORITY_MAX),
    startAt: startAt === undefined ? undefined : checkTime(startAt, name('startAt')),
    delayMs: delay === undefined ? undefined : durationMs(delay, name('delay')),
    labels,
  }
}
