/** The key of a signal: the same for who sends it and for who waits for it. */
import { checkKey } from './options.js'

/** The engine's limit. */
const SIGNAL_KEY_CHARS_MAX = 512

export function checkSignalKey(value: unknown, name: string): string {
  return checkKey(value, name, SIGNAL_KEY_CHARS_MAX)
}
