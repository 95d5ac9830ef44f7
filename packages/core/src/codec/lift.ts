/**
 * Binary values are taken out of plain objects and arrays before anything makes text of the rest, and put back after it
 * was parsed: so they work with every serializer, and nothing needs to be escaped.
 */
import { StepwellError } from '../errors.js'
import { type Binary, isBinary, isBlobLike, isDetached, toBinary } from './binary.js'
import { DEPTH_MAX, isPlainObject, type Path, refusal } from './strict.js'

export interface LiftedPart {
  readonly path: Path
  readonly binary: Binary
}

export interface Lifted {
  /** The value with `null` where a binary value was; the same object where there was none. */
  readonly value: unknown
  readonly parts: readonly LiftedPart[]
}

/** Copies only what contains a binary value: the caller's objects stay as they are. */
export function lift(value: unknown, what: string): Lifted {
  const parts: LiftedPart[] = []
  const ancestors = new Set<object>()
  const path: (string | number)[] = []

  const walk = (item: unknown): unknown => {
    if (typeof item !== 'object' || item === null) return item
    const binary = toBinary(item)
    if (binary !== undefined) {
      if (isDetached(binary)) throw refusal(what, path, ...DETACHED)
      parts.push({ path: [...path], binary })
      return null
    }
    if (ancestors.has(item)) throw refusal(what, path, ...CYCLE)
    if (path.length >= DEPTH_MAX) return item
    if (!Array.isArray(item) && !isPlainObject(item)) return item
    ancestors.add(item)
    const lifted = Array.isArray(item) ? walkArray(item) : walkObject(item)
    ancestors.delete(item)
    return lifted
  }
  const walkArray = (array: readonly unknown[]): readonly unknown[] => {
    let copy: unknown[] | null = null
    for (let i = 0; i < array.length; i++) {
      path.push(i)
      const lifted = walk(array[i])
      path.pop()
      if (Object.is(lifted, array[i])) continue
      copy ??= array.slice()
      copy[i] = lifted
    }
    return copy ?? array
  }
  const walkObject = (object: object): object => {
    let copy: object | null = null
    for (const [key, item] of Object.entries(object)) {
      path.push(key)
      const lifted = walk(item)
      path.pop()
      if (Object.is(lifted, item)) continue
      copy ??= { ...object }
      put(copy, key, lifted)
    }
    return copy ?? object
  }
  return { value: walk(value), parts }
}

const DETACHED = ['a detached ArrayBuffer', 'It was transferred: store it first.'] as const
const CYCLE = [
  'a reference to an object that contains it',
  'Keep an id instead of the reference.',
] as const
const IN_COLLECTION = [
  'a Map or Set with a Blob or File in it',
  'Put Blobs and Files into plain objects and arrays.',
] as const

/**
 * Whether there is something to lift. Follows what strict JSON would refuse, for a serializer may take it: cycles, and
 * Maps and Sets, in which a serializer would turn a Blob into an empty object in silence.
 */
export function hasBinary(value: unknown, what: string): boolean {
  const seen = new Set<object>()
  const search = (item: unknown, path: Path, isInCollection: boolean): boolean => {
    if (typeof item !== 'object' || item === null) return false
    if (isInCollection && isBlobLike(item)) throw refusal(what, path, ...IN_COLLECTION)
    if (isBinary(item)) return !isInCollection
    if (seen.has(item) || path.length >= DEPTH_MAX) return false
    seen.add(item)
    if (item instanceof Map) {
      for (const entry of item) search([...entry], path, true)
    } else if (item instanceof Set) {
      for (const member of item) search(member, path, true)
    } else if (Array.isArray(item) || isPlainObject(item)) {
      const childPath = (key: string) => (isInCollection ? path : [...path, key])
      // No early return: a Blob in a Map further on must be found as well.
      let found = false
      for (const [key, child] of Object.entries(item)) {
        if (search(child, childPath(key), isInCollection)) found = true
      }
      return found
    }
    return false
  }
  return search(value, [], false)
}

/** Puts a part back where it was. Returns the value, which is the part itself where that was all. */
export function place(value: unknown, path: Path, part: unknown): unknown {
  const key = path.at(-1)
  if (key === undefined) return part
  let container = value
  for (const step of path.slice(0, -1)) container = own(container, step)
  if (typeof container !== 'object' || container === null || !put(container, String(key), part)) {
    throw misplaced()
  }
  return value
}

function own(container: unknown, key: string | number): unknown {
  // An inherited property would be a way to `Object.prototype`.
  if (typeof container !== 'object' || container === null || !Object.hasOwn(container, key)) {
    throw misplaced()
  }
  return Reflect.get(container, key)
}

/** Defined and not assigned, for the key may be `__proto__`. */
function put(container: object, key: string, value: unknown): boolean {
  return Reflect.defineProperty(container, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  })
}

function misplaced(): StepwellError {
  return new StepwellError(
    'storage_corrupt',
    'A stored value has binary data for which it has no place. Did its serializer change the shape of plain objects?',
  )
}
