/** The value of `setContext` is copied at once: later changes to it are not seen, and one that cannot be copied throws. */
import { StepwellError } from '../errors.js'
import { shown } from '../options.js'

/** A copy, as a worker would get it; throws `not_serializable`. */
export function cloneContext(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    throw new StepwellError(
      'not_serializable',
      uncloneableMessage(value, 'The context given to setContext'),
    )
  }
}

// Not with the browser's own message: it quotes the source of a function, and this text may be stored.
export function uncloneableMessage(value: unknown, what: string): string {
  return (
    `${what} cannot be sent to a worker: ${culprit(value, 'context', new Set())}. Give plain data, or what structured ` +
    'clone carries (Map, Date, Blob, CryptoKey, …), and no functions.'
  )
}

/** Which part of a value cannot be cloned. */
function culprit(value: unknown, path: string, seen: Set<unknown>): string {
  if (typeof value === 'object' && value !== null && !seen.has(value)) {
    seen.add(value)
    for (const [key, item] of Object.entries(value)) {
      if (!seen.has(item) && !isCloneable(item)) return culprit(item, `${path}.${key}`, seen)
    }
  }
  return `${path} is ${shown(value)}`
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value)
    return true
  } catch {
    return false
  }
}
