/**
 * How inputs and outputs cross to the wasm and back: as one JSON text each way, for every value that crosses by itself
 * costs more than the reading of a text. `crates/stepwell-protocol/src/crossing.rs` is the other end.
 *
 * Bytes, and texts that are long to escape, travel **beside** the text; `{"$beside":n}` stands in their place.
 */
import type { Input, Output } from '../generated/protocol.js'
import { isObject } from '../shapes.js'

/** Longer texts travel beside. From about here on that costs less than to escape them and to read them again. */
const INLINE_CHARS_MAX = 4096

/** What stands beside a text. */
export type Beside = string | Uint8Array

/** Inputs on their way in. */
export interface Crossing {
  /** A line of JSON for each. */
  readonly lines: string
  readonly beside: Beside[]
}

/**
 * What can be no JSON is left out and told of: messages come from other threads, and one that breaks the protocol must
 * not bring down the work of the others.
 */
export function writeInputs(
  inputs: readonly Input[],
  onUnwritable: (error: unknown) => void,
): Crossing {
  const lines: string[] = []
  const beside: Beside[] = []
  for (const input of inputs) {
    try {
      lines.push(writeLine(input, beside))
    } catch (error) {
      onUnwritable(error)
    }
  }
  return { lines: lines.join('\n'), beside }
}

/** An output, of its text and what stands beside that. */
export function readOutput(text: string, beside: readonly Beside[]): Output {
  if (beside.length === 0) return JSON.parse(text)
  return JSON.parse(text, (_key, value: unknown) => {
    const place = placeOf(value)
    return place === null ? value : beside[place]
  })
}

function writeLine(input: Input, beside: Beside[]): string {
  const line = goesBeside(input)
    ? JSON.stringify(input, (_key, value: unknown) => {
        return isBeside(value) ? { $beside: beside.push(value) - 1 } : value
      })
    : JSON.stringify(input)
  return line.includes('\\ud') ? wellFormed(line) : line
}

function isBeside(value: unknown): value is Beside {
  return typeof value === 'string' ? value.length > INLINE_CHARS_MAX : value instanceof Uint8Array
}

/** Whether something of it goes beside. Throws for what JSON would write as something else: `NaN` as `null`, a `Date` as text. */
function goesBeside(value: unknown): boolean {
  if (typeof value === 'string') return value.length > INLINE_CHARS_MAX
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} is not a number`)
  }
  if (!isObject(value)) return false
  if (value instanceof Uint8Array) return true
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) {
    throw new TypeError(`${Object.prototype.toString.call(value)} is not a plain object`)
  }
  let found = false
  for (const key in value) {
    if (goesBeside(Reflect.get(value, key))) found = true
  }
  return found
}

/** Half of a surrogate pair is no text of UTF-8, and written as an escape; other backslashes are escaped themselves. */
function wellFormed(line: string): string {
  return line.replace(/\\(?:\\|ud[89a-f][0-9a-f]{2})/g, (found) =>
    found === '\\\\' ? found : '\ufffd',
  )
}

function placeOf(value: unknown): number | null {
  if (!isObject(value) || !('$beside' in value)) return null
  // A label may have the key, with a text.
  return typeof value.$beside === 'number' ? value.$beside : null
}
