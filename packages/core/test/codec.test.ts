import { describe, expect, test } from 'vitest'
import { createCodec, replayed } from '../src/codec/codec.js'
import { isStepwellError } from '../src/errors.js'

const codec = createCodec()
const encode = (value: unknown, what: string) => codec.encode(value, what).payload
const { decode } = codec

class Money {
  readonly cents = 5
}

const sparse: unknown[] = [1]
sparse[3] = 4
const cyclic: { name: string; self?: unknown; list: unknown[] } = { name: 'a', list: [] }
cyclic.list.push({ back: cyclic })

const refused: readonly [kind: string, value: unknown, path: string, says: RegExp][] = [
  ['Date', { at: new Date(0) }, '$.at', /instance of Date.*toISOString/],
  ['Map', [1, new Map()], '$[1]', /instance of Map/],
  ['Set', { a: [{ 'b-c': new Set() }] }, '$.a[0]["b-c"]', /instance of Set/],
  ['bigint', { a: [0, 1, 2, { b: 10n }] }, '$.a[3].b', /a bigint/],
  ['function', { run: () => 1 }, '$.run', /a function/],
  ['symbol', [Symbol('s')], '$[0]', /a symbol/],
  ['symbol key', { [Symbol('s')]: 1 }, '$["Symbol(s)"]', /symbol as its key/],
  ['class instance', { price: new Money() }, '$.price', /instance of Money/],
  ['Error', new TypeError('no'), '$', /instance of TypeError.*error\.message/],
  ['typed array', { a: new Float32Array(2) }, '$.a', /instance of Float32Array.*Uint8Array/],
  ['Date beside bytes', [new Uint8Array(1), new Date(0)], '$[1]', /instance of Date/],
  ['promise', { later: Promise.resolve(1) }, '$.later', /Await it/],
  ['boxed number', { n: Object(1) }, '$.n', /instance of Number/],
  ['NaN', { n: NaN }, '$.n', /NaN/],
  ['Infinity', [Infinity], '$[0]', /Infinity/],
  ['-Infinity', -Infinity, '$', /-Infinity/],
  ['undefined in an array', { list: [1, undefined] }, '$.list[1]', /undefined.*null/],
  ['hole', sparse, '$[1]', /sparse/],
  ['toJSON', { a: { toJSON: () => 1 } }, '$.a', /toJSON/],
  ['cycle', cyclic, '$.list[0].back', /contains it/],
  ['inherited fields', Object.create({ a: 1 }), '$', /instance/],
]

describe('what strict JSON cannot carry', () => {
  test.each(refused)('%s is refused with its path', (_kind, value, path, says) => {
    const error = thrownBy(() => encode(value, 'the output of step "x"'))
    expect(isStepwellError(error, 'not_serializable')).toBe(true)
    const message = error instanceof Error ? error.message : ''
    expect(message.startsWith(`The output of step "x" cannot be stored as JSON: ${path} is `)).toBe(
      true,
    )
    expect(message).toMatch(says)
  })

  test('a value that is nested too deeply is refused and not a stack overflow', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(thrownBy(() => encode(deep, 'x'))).toMatchObject({ code: 'not_serializable' })
  })

  test('many references to one deep value do not hang the search for a cycle', () => {
    let deep: unknown = {}
    for (let i = 0; i < 1_100; i++) deep = { a: deep, b: deep }
    expect(thrownBy(() => encode(deep, 'x'))).toMatchObject({ code: 'not_serializable' })
  })
})

describe('what it can', () => {
  test.each([
    [null],
    [true],
    [0],
    [-1.5e300],
    [''],
    ['\u0000 "\\ 😀'],
    ['half a pair: \ud800'],
    [[]],
    [{}],
    [[[1, [null]], { a: 'b' }]],
    [{ '': 1, 'a b': { 'c"d': [] } }],
  ])('%j comes back equal', (value) => {
    expect(decode(encode(value, 'x'))).toEqual(value)
  })

  test('a bare undefined is the empty text and comes back', () => {
    expect(encode(undefined, 'x')).toBe('')
    expect(decode('')).toBeUndefined()
    expect(replayed(codec, '')).toBeUndefined()
  })

  test('undefined keys are dropped, -0 becomes 0, and both are stable from then on', () => {
    const once = decode(encode({ a: undefined, b: -0, c: [{ d: undefined }] }, 'x'))
    expect(once).toStrictEqual({ b: 0, c: [{}] })
    expect(decode(encode(once, 'x'))).toStrictEqual(once)
  })

  test('an own key __proto__ is data and pollutes nothing', () => {
    const evil = JSON.parse('{"__proto__": {"admin": true}}')
    const back = decode(encode(evil, 'x'))
    expect(Object.keys(back instanceof Object ? back : {})).toEqual(['__proto__'])
    expect(Reflect.get({}, 'admin')).toBeUndefined()
  })

  test('an object without a prototype is a plain object', () => {
    const bare = Object.assign(Object.create(null), { a: 1 })
    expect(decode(encode(bare, 'x'))).toEqual({ a: 1 })
  })

  test('every random JSON value comes back equal', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const value = randomValue(randomSource(seed), 0)
      expect(decode(encode(value, 'x')), `seed ${seed}`).toStrictEqual(value)
    }
  })

  test('one bad leaf anywhere in a random value is found', () => {
    for (let seed = 1; seed <= 500; seed++) {
      const value = [randomValue(randomSource(seed), 0), { deep: [seed, { bad: 1n }] }]
      const error = thrownBy(() => encode(value, 'x'))
      expect(error, `seed ${seed}`).toMatchObject({ code: 'not_serializable' })
      expect(String(error)).toContain('$[1].deep[1].bad')
    }
  })
})

function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

/** Mulberry32. */
function randomSource(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

function randomValue(random: () => number, depth: number): unknown {
  const kind = Math.floor(random() * (depth > 4 ? 4 : 6))
  const children = () => Array.from({ length: Math.floor(random() * 5) })
  switch (kind) {
    case 0:
      return null
    case 1:
      return random() < 0.5
    case 2:
      return random() < 0.5 ? Math.floor(random() * 1e15) : random() * 1e-300
    case 3:
      return String.fromCharCode(...children().map(() => Math.floor(random() * 0xffff)))
    case 4:
      return children().map(() => randomValue(random, depth + 1))
    default:
      return Object.fromEntries(
        children().map((_, i) => [`k${i}${random()}`, randomValue(random, depth + 1)]),
      )
  }
}
