/**
 * Values as strict JSON text.
 *
 * Strict means that nothing changes its kind in silence: what JSON would turn into something else (a Date, a Map, a class
 * instance, NaN, an `undefined` inside an array) is refused, with its path. What JSON merely cannot tell apart is
 * normalised: `-0` becomes `0`, keys that are `undefined` are dropped, as are properties of an array that are no
 * elements. So what is parsed from the text is the same value now and on each replay.
 */
import { StepwellError } from '../errors.js'
import { isBinary } from './binary.js'

/** Deeper values are refused: `JSON.stringify` would overflow the stack somewhere beyond, depending on the browser. */
export const DEPTH_MAX = 1000

export type Path = readonly (string | number)[]

interface Problem {
  readonly path: (string | number)[]
  /** Not one, where the value is lifted out. */
  readonly isBinary: boolean
  /** What was found, as in "$.a is <found>". */
  readonly found: string
  readonly advice: string
}

/**
 * Throws `not_serializable` for what JSON cannot carry. `'binary'`: there is at least one value in it that must be lifted
 * out first, and then the rest be checked again.
 * @param what what the value is, for the message: `the output of step "x"`.
 */
export function checkStrict(value: unknown, what: string): 'json' | 'binary' {
  const problem = findProblem(value, 0)
  if (problem === null) return 'json'
  if (problem.isBinary) return 'binary'
  throw refusalOf(value, problem, what)
}

/**
 * One walk, which allocates nothing while all is well: paths are put together on the way back from a problem, and a
 * cycle is found as excessive depth, so that no set of ancestors is kept.
 */
function findProblem(value: unknown, depth: number): Problem | null {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return null
    case 'number':
      return Number.isFinite(value) ? null : badNumber(value)
    case 'object':
      if (value === null) return null
      if (depth === DEPTH_MAX) return problem('nested too deeply', 'Make the value flatter.')
      return Array.isArray(value) ? findInArray(value, depth) : findInObject(value, depth)
    default:
      return badType(value)
  }
}

function findInArray(array: readonly unknown[], depth: number): Problem | null {
  if ('toJSON' in array) return badToJson()
  for (let i = 0; i < array.length; i++) {
    const item = array[i]
    const found =
      item === undefined
        ? problem(
            i in array ? 'undefined' : 'a hole in a sparse array',
            'Use null, or leave the element out.',
          )
        : findProblem(item, depth + 1)
    if (found !== null) return under(i, found)
  }
  return null
}

function findInObject(object: object, depth: number): Problem | null {
  if (!isPlainObject(object)) return badInstance(object)
  if ('toJSON' in object && typeof object.toJSON === 'function') return badToJson()
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    if (Object.prototype.propertyIsEnumerable.call(object, symbol)) {
      return under(String(symbol), problem('a property with a symbol as its key', 'Use a string.'))
    }
  }
  for (const [key, item] of Object.entries(object)) {
    if (item === undefined) continue
    const found = findProblem(item, depth + 1)
    if (found !== null) return under(key, found)
  }
  return null
}

/** Not an instance of a class. */
export function isPlainObject(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  // A prototype without a prototype is `Object.prototype` of this realm or of another one (a frame).
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function problem(found: string, advice: string): Problem {
  return { path: [], isBinary: false, found, advice }
}

function under(key: string | number, found: Problem): Problem {
  found.path.push(key)
  return found
}

function badNumber(value: number): Problem {
  return problem(String(value), 'Use null or a string for what is not a finite number.')
}

function badType(value: unknown): Problem {
  switch (typeof value) {
    case 'bigint':
      return problem(
        'a bigint',
        'Use String(value), and BigInt(text) to read it. Or store it as it is, with the option serializer.',
      )
    case 'function':
      return problem('a function', 'Leave it out: functions cannot be stored.')
    case 'symbol':
      return problem('a symbol', 'Use a string.')
    default:
      return problem('undefined', 'Use null.')
  }
}

function badToJson(): Problem {
  return problem(
    'an object with a method toJSON',
    'Call it yourself and use its result, so that the value is what will be read back.',
  )
}

const INSTANCE_ADVICE: Readonly<Record<string, string>> = {
  Date: 'Use value.toISOString() or value.getTime().',
  Map: 'Use Object.fromEntries(value), or [...value] for keys that are no strings.',
  Set: 'Use [...value].',
  Promise: 'Await it first.',
  RegExp: 'Use value.source.',
  URL: 'Use value.href.',
  Response: 'Read it first: await response.json(), or response.blob(), which is stored as it is.',
}

function badInstance(object: object): Problem {
  if (isBinary(object)) return { ...problem('binary', ''), isBinary: true }
  const name = className(object)
  const advice =
    object instanceof Error
      ? 'Use { name: error.name, message: error.message }, or throw it.'
      : adviceFor(object, name)
  return problem(name === '' ? 'an instance of a class' : `an instance of ${name}`, advice)
}

function adviceFor(object: object, name: string): string {
  if (ArrayBuffer.isView(object)) {
    return 'Only Uint8Array and ArrayBuffer are stored as binary: use value.buffer, and note its offset.'
  }
  const rich = RICH.includes(name) ? ' Or store it as it is, with the option serializer.' : ''
  return `${INSTANCE_ADVICE[name] ?? 'Use a plain object with the fields you need: { ...value }.'}${rich}`
}

/** What superjson and devalue take. */
const RICH = ['Date', 'Map', 'Set', 'RegExp', 'URL']

function className(object: object): string {
  const made: unknown = object.constructor
  return typeof made === 'function' ? made.name : ''
}

function refusalOf(value: unknown, found: Problem, what: string): StepwellError {
  const cycle = found.path.length >= DEPTH_MAX ? findCycle(value, [], [], new Set()) : null
  if (cycle === null) return refusal(what, found.path.reverse(), found.found, found.advice)
  return refusal(what, cycle.path, 'a reference to an object that contains it', cycle.advice)
}

/** @param found what stands at the path, as in "$.a is <found>". */
export function refusal(what: string, path: Path, found: string, advice: string): StepwellError {
  return new StepwellError(
    'not_serializable',
    `${sentence(what)} cannot be stored as JSON: ${pathText(path)} is ${found}. ${advice}`,
  )
}

/** Runs only on values that are known to be too deep, and follows the first branch that returns to an ancestor. */
function findCycle(
  value: unknown,
  ancestors: readonly unknown[],
  path: readonly (string | number)[],
  explored: Set<object>,
): { path: readonly (string | number)[]; advice: string } | null {
  if (typeof value !== 'object' || value === null || path.length > DEPTH_MAX) return null
  if (ancestors.includes(value)) {
    return { path, advice: 'Keep an id instead of the reference.' }
  }
  if (explored.has(value)) return null
  const isArray = Array.isArray(value)
  for (const [key, item] of Object.entries(value)) {
    const next = [...path, isArray ? Number(key) : key]
    const found = findCycle(item, [...ancestors, value], next, explored)
    if (found !== null) return found
  }
  explored.add(value)
  return null
}

const PATH_PARTS_MAX = 32

function pathText(path: readonly (string | number)[]): string {
  const shown = path.slice(0, PATH_PARTS_MAX).map((part) => {
    if (typeof part === 'number') return `[${part}]`
    return /^[A-Za-z_$][\w$]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`
  })
  return `$${shown.join('')}${path.length > PATH_PARTS_MAX ? '…' : ''}`
}

export function sentence(what: string): string {
  return what.charAt(0).toUpperCase() + what.slice(1)
}
