/** Checks of options: what is wrong is `invalid_input`, names the option and says what it should be. */
import { StepwellError } from './errors.js'

export function invalid(message: string): StepwellError {
  return new StepwellError('invalid_input', message)
}

/** A value as an error message shows it: short, and safe for whatever it is. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}…` : JSON.stringify(value)
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    default:
      if (value === null) return 'null'
      return Array.isArray(value) ? 'an array' : 'an object'
  }
}

/** An options object, of which every key must be known: a misspelt option must not be ignored. */
export function checkOptions(
  value: unknown,
  what: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${what} takes an object of options, and got ${shown(value)}.`)
  }
  for (const [key, item] of Object.entries(value)) {
    if (known.includes(key) || item === undefined) continue
    const list = known.length === 0 ? 'it takes no options' : `its options are ${known.join(', ')}`
    throw invalid(`${what} does not know the option "${key}": ${list}.`)
  }
  return { ...value }
}

export function checkInteger(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalid(`${name} must be a whole number from ${min} to ${max}, and is ${shown(value)}.`)
  }
  return value
}

export function checkNumber(value: unknown, name: string, min: number, max: number): number {
  // NaN is neither.
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw invalid(`${name} must be a number from ${min} to ${max}, and is ${shown(value)}.`)
  }
  return value
}

export function checkOneOf<const T extends string>(
  value: unknown,
  name: string,
  allowed: readonly T[],
): T {
  const found = allowed.find((item) => item === value)
  if (found === undefined) {
    const list = allowed.map((item) => `'${item}'`).join(', ')
    throw invalid(`${name} must be one of ${list}, and is ${shown(value)}.`)
  }
  return found
}

export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean')
    throw invalid(`${name} must be true or false, and is ${shown(value)}.`)
  return value
}

export function checkText(value: unknown, name: string, lengthMax: number): string {
  if (typeof value !== 'string' || value === '') {
    throw invalid(`${name} must be a text that is not empty, and is ${shown(value)}.`)
  }
  if (value.length > lengthMax) {
    throw invalid(`${name} may have ${lengthMax} characters, and has ${value.length}.`)
  }
  return value
}

type AnyFunction = (...args: never) => unknown

/** Returns nothing: a check cannot know a function's signature. */
export function checkFunction(value: unknown, name: string): asserts value is AnyFunction {
  if (typeof value !== 'function')
    throw invalid(`${name} must be a function, and is ${shown(value)}.`)
}

export function checkSignal(value: unknown, name: string): asserts value is AbortSignal {
  const ok =
    typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
  if (!ok) throw invalid(`${name} must be an AbortSignal, and is ${shown(value)}.`)
}

/** Half of a character: two different texts that have one would be stored as the same text. */
const LONE_SURROGATE = /\p{Cs}/u

/** A text of at most so many characters; one outside the Basic Multilingual Plane (an emoji) counts as one. */
export function checkCharacters(value: unknown, name: string, charsMax: number): string {
  if (typeof value !== 'string') throw invalid(`${name} must be a text, and is ${shown(value)}.`)
  const chars = value.length <= charsMax ? value.length : [...value].length
  if (chars > charsMax) {
    throw invalid(`${name} may have ${charsMax} characters, and has ${chars}.`)
  }
  if (LONE_SURROGATE.test(value)) {
    throw invalid(`${name} has half of a surrogate pair: ${shown(value)}. Use whole characters.`)
  }
  return value
}

/** A key: a text of at least one character. */
export function checkKey(value: unknown, name: string, charsMax: number): string {
  const key = checkCharacters(value, name, charsMax)
  if (key === '') throw invalid(`${name} is empty. Give it a text, or leave it out.`)
  return key
}

/** The greatest time that a `Date` can hold. */
const TIME_MS_MAX = 8.64e15

/** A moment as milliseconds since 1970. Zero is refused: it is what a time looks like that was never set. */
export function checkTime(value: unknown, name: string): number {
  const ms = value instanceof Date ? value.getTime() : value
  if (typeof ms !== 'number' || !Number.isInteger(ms) || ms < 1 || ms > TIME_MS_MAX) {
    const what = value instanceof Date ? `a Date of ${ms}` : shown(value)
    throw invalid(
      `${name} must be a Date, or whole milliseconds since 1970 such as Date.now() gives, and is ${what}.`,
    )
  }
  return ms
}

/** A list that names something: an empty one would read as "none" and mean "all". */
export function checkMany(value: unknown, name: string): readonly unknown[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) return [value]
  if (value.length === 0) throw invalid(`${name} is an empty list. Leave it out for all.`)
  return value
}
