/** Values beyond JSON: binary parts, Blobs and Files, serializers, limits. */
import * as devalue from 'devalue'
import superjson from 'superjson'
import { describe, expect, test } from 'vitest'
import {
  blobIdsOf,
  type Codec,
  createCodec,
  type Encoded,
  type ReadBlobs,
  type Serializer,
} from '../src/codec/codec.js'
import { createStepwell, defineJob, isStepwellError } from '../src/index.js'

const strict = createCodec()
const bytes = (...items: number[]) => Uint8Array.from(items)
const blobsOf = ({ blobs }: Encoded): ReadBlobs => new Map(blobs.map(({ id, blob }) => [id, blob]))

/** As a value comes back after a restart. */
function trip(value: unknown, codec: Codec = strict): unknown {
  const encoded = codec.encode(value, 'the input')
  expect(encoded.blobs.map(({ id }) => id)).toEqual([...new Set(blobIdsOf(encoded.payload))])
  return codec.decode(encoded.payload, blobsOf(encoded))
}

function errorOf(call: () => unknown): { code: string; message: string } {
  try {
    call()
  } catch (error) {
    if (isStepwellError(error)) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was thrown')
}

const serializers: readonly [string, Serializer | undefined][] = [
  ['strict JSON', undefined],
  ['superjson', superjson],
  ['devalue', devalue],
  ['a named one', { name: 'named', stringify: JSON.stringify, parse: JSON.parse }],
]

describe.each(serializers)('binary values with %s', (_name, serializer) => {
  const codec = createCodec({ serializer })

  test.each([
    ['bytes alone', bytes(1, 2, 255)],
    ['no bytes', bytes()],
    ['a buffer alone', bytes(0, 35, 10, 128).buffer],
    [
      'both among others',
      { text: '#{"a":1}\n', list: [bytes(1), { deep: bytes(2, 3).buffer }, null] },
    ],
    ['keys of all kinds', { '': bytes(1), 'a.b': [[bytes(2)]], 0: bytes(3) }],
  ])('%s come back equal and of the same kind', (_kind, value) => {
    expect(codec.encode(value, 'x').payload).toBeInstanceOf(Uint8Array)
    expect(trip(value, codec)).toStrictEqual(value)
  })

  test('what comes back has memory of its own, and the value that was given is as it was', () => {
    const inner = bytes(1, 2, 3, 4).subarray(1, 3)
    const value = { inner, plain: { a: 1 } }
    const back = trip(value, codec)
    expect(value.inner).toBe(inner)
    expect(back).toStrictEqual({ inner: bytes(2, 3), plain: { a: 1 } })
    const { inner: copy } = back instanceof Object && 'inner' in back ? back : { inner: null }
    expect(copy instanceof Uint8Array && copy.buffer.byteLength).toBe(2)
  })

  test('a File keeps its name, type and time; a Blob its type; the same one twice is stored once', async () => {
    const file = new File(['hello'], 'a "b".txt', { type: 'text/plain', lastModified: 12345 })
    const blob = new Blob([bytes(1, 2)], { type: 'image/png' })
    const encoded = codec.encode({ file, list: [blob, blob], n: 1 }, 'x')
    expect(typeof encoded.payload).toBe('string')
    expect(encoded.blobs).toHaveLength(2)
    const stored = new Map(encoded.blobs.map(({ id, blob }) => [id, new File([blob], id)]))
    const back = codec.decode(encoded.payload, stored)
    expect(back).toMatchObject({ n: 1, file: { name: 'a "b".txt', lastModified: 12345 } })
    const list = Object(back).list
    expect(list[0]).toBeInstanceOf(Blob)
    expect(list[0]).not.toBeInstanceOf(File)
    expect([list[0].type, list[0].size, list[1].size]).toEqual(['image/png', 2, 2])
    const { file: found } = Object(back)
    expect(found).toBeInstanceOf(File)
    expect([found.type, await found.text()]).toEqual(['text/plain', 'hello'])
  })

  test('a Blob that was deleted is a clear error', () => {
    const { payload } = codec.encode([new File(['x'], 'x.csv')], 'x')
    const { code, message } = errorOf(() => codec.decode(payload))
    expect([code, message]).toEqual(['not_found', expect.stringMatching(/"x\.csv".*deleted/)])
  })

  test('a cycle around binary data is refused with its path', () => {
    const value: { data: Uint8Array; self?: unknown } = { data: bytes(1) }
    value.self = value
    const { code, message } = errorOf(() => codec.encode(value, 'the input'))
    expect([code, message]).toEqual([
      'not_serializable',
      expect.stringMatching(/\$\.self is a ref/),
    ])
  })

  test('memory that was transferred away is refused', () => {
    const data = bytes(1, 2)
    structuredClone(data, { transfer: [data.buffer] })
    expect(errorOf(() => codec.encode({ data }, 'x'))).toMatchObject({ code: 'not_serializable' })
  })
})

describe('binary values in strict JSON', () => {
  test('what is shared comes back under each path', () => {
    const shared = { data: bytes(7) }
    expect(trip({ a: shared, b: shared })).toStrictEqual({ a: shared, b: shared })
  })

  test("Node's Buffer comes back as a Uint8Array, here and on each replay", () => {
    expect(trip(Buffer.from([1, 2]))).toStrictEqual(bytes(1, 2))
  })

  test('an own key __proto__ over bytes is data and pollutes nothing', () => {
    const value = Object.defineProperty({}, '__proto__', {
      value: { admin: bytes(1) },
      enumerable: true,
    })
    expect(Object.keys(Object(trip(value)))).toEqual(['__proto__'])
    expect(Reflect.get({}, 'admin')).toBeUndefined()
  })

  test('damage is a clear error', () => {
    const { payload } = strict.encode([bytes(1, 2, 3)], 'x')
    if (typeof payload === 'string') throw new Error('not binary')
    for (const damaged of [
      payload.subarray(0, payload.length - 1),
      bytes(35, 10),
      '#{"parts":[{"path":["a","b"],"kind":"bytes","length":0}]}\n{}',
      '#{"parts":[{"path":["__proto__","b"],"kind":"bytes","length":0}]}\n{}',
      '#nonsense\n{}',
      '#',
    ]) {
      expect(
        errorOf(() => strict.decode(damaged)),
        String(damaged),
      ).toMatchObject({
        code: 'storage_corrupt',
      })
    }
  })
})

const rich = {
  at: new Date(86_400_000),
  byId: new Map([['a', new Set([1, 2])]]),
  big: 2n ** 70n,
  none: undefined,
  file: bytes(9),
}

describe.each([
  ['superjson', superjson],
  ['devalue', devalue],
])('%s', (_name, serializer) => {
  const codec = createCodec({ serializer })

  test('Date, Map, Set, BigInt and undefined come back, beside bytes', () => {
    expect(trip(rich, codec)).toStrictEqual(rich)
    expect(trip(undefined, codec)).toBeUndefined()
  })

  test('strict JSON that was stored before is read', () => {
    expect(codec.decode('{"a":1}')).toEqual({ a: 1 })
  })

  test('a File in a Map is refused, for it would come back empty', () => {
    const value = { byName: new Map([['x', { file: new File(['x'], 'x') }]]) }
    const { code, message } = errorOf(() => codec.encode(value, 'the input'))
    expect([code, message]).toEqual(['not_serializable', expect.stringMatching(/\$\.byName.*Map/)])
  })

  test('a Map that contains itself does not hang the search', () => {
    const map = new Map<string, unknown>([['a', 1]])
    map.set('self', map)
    expect(trip({ map, list: [bytes(1)] }, codec)).toMatchObject({ list: [bytes(1)] })
  })
})

describe('serializers', () => {
  const named = (name: string) => ({ name, stringify: JSON.stringify, parse: JSON.parse })

  test('a value of a serializer that is not here is a clear error', () => {
    const { payload } = createCodec({ serializer: named('one') }).encode({ a: 1 }, 'x')
    const without = errorOf(() => strict.decode(payload))
    expect(without.code).toBe('invalid_input')
    expect(without.message).toMatch(/serializer "one", and there is none here.*serveJobs/)
    const other = errorOf(() => createCodec({ serializer: named('two') }).decode(payload))
    expect(other.message).toMatch(/"one", and here is "two"/)
  })

  test('what it throws is not_serializable or storage_corrupt, with the reason', () => {
    const boom = () => {
      throw new TypeError('no such thing')
    }
    const encoder = createCodec({ serializer: { stringify: boom, parse: JSON.parse } })
    const refused = errorOf(() => encoder.encode(1, 'the output of step "x"'))
    expect(refused.code).toBe('not_serializable')
    expect(refused.message).toMatch(/^The output of step "x".*"custom" threw: TypeError: no such/)
    const decoder = createCodec({ serializer: { stringify: JSON.stringify, parse: boom } })
    const { payload } = decoder.encode(1, 'x')
    expect(errorOf(() => decoder.decode(payload)).code).toBe('storage_corrupt')
    const mute = { stringify: () => JSON.parse('7'), parse: JSON.parse }
    expect(errorOf(() => createCodec({ serializer: mute }).encode(1, 'x')).code).toBe(
      'not_serializable',
    )
  })
})

describe('the limit on payloads', () => {
  const codec = createCodec({ payloadBytesMax: 100 })

  test.each([
    ['text', 'x'.repeat(98), 'x'.repeat(99)],
    ['text of more than one byte a character', 'é'.repeat(49), 'é'.repeat(50)],
  ])('counts bytes of %s', (_kind, fits, isOver) => {
    expect(codec.encode(fits, 'x').payload).toBe(JSON.stringify(fits))
    const { code, message } = errorOf(() => codec.encode(isOver, 'the output of job "a"'))
    expect(code).toBe('payload_too_large')
    expect(message).toMatch(
      /^The output of job "a" takes 10\d bytes, and 100 is the limit.*payloadB/,
    )
  })

  test('counts binary data, and not Blobs', () => {
    expect(errorOf(() => codec.encode(new Uint8Array(100), 'x')).code).toBe('payload_too_large')
    const large = createCodec({ payloadBytesMax: 200 })
    expect(large.encode(new Blob([new Uint8Array(1000)]), 'x').blobs).toHaveLength(1)
  })
})

describe('the options serializer and limits', () => {
  const jobs = { a: defineJob({ name: 'a', run: () => 1 }) }
  const { stringify, parse } = JSON

  test.each([
    ['a serializer that is none', { serializer: 'superjson' }, /option serializer.*"superjson"/],
    ['null', { serializer: null }, /option serializer.*null/],
    ['one without stringify', { serializer: { parse } }, /serializer of.*: stringify/],
    ['one without parse', { serializer: { stringify } }, /serializer of.*: parse/],
    ['an empty name', { serializer: { name: '', stringify, parse } }, /serializer of.*: name/],
    ['a name that is none', { serializer: { name: 1, stringify, parse } }, /serializer of.*: name/],
    [
      'a long name',
      { serializer: { name: 'x'.repeat(65), stringify, parse } },
      /: name may have 64/,
    ],
    ['limits that are none', { limits: 5 }, /option limits of createStepwell/],
    ['an unknown limit', { limits: { bytes: 1 } }, /"bytes".*payloadBytes, logLines/],
    ['a payload of nothing', { limits: { payloadBytes: 0 } }, /limits.*payloadBytes/],
    ['a negative payload', { limits: { payloadBytes: -1 } }, /limits.*payloadBytes/],
    ['half a byte', { limits: { payloadBytes: 0.5 } }, /limits.*payloadBytes/],
    ['NaN', { limits: { payloadBytes: Number.NaN } }, /limits.*payloadBytes.*NaN/],
    ['a text', { limits: { payloadBytes: '4MB' } }, /limits.*payloadBytes.*"4MB"/],
    ['over 64 MiB', { limits: { payloadBytes: 2 ** 26 + 1 } }, /limits.*payloadBytes.*67108864/],
    ['no lines', { limits: { logLines: 0 } }, /limits.*logLines/],
    ['negative lines', { limits: { logLines: -5 } }, /limits.*logLines/],
    ['NaN lines', { limits: { logLines: Number.NaN } }, /limits.*logLines/],
    ['too many lines', { limits: { logLines: 1e9 } }, /limits.*logLines/],
  ])('%s: invalid_input', (_what, options, says) => {
    const call = () => Reflect.apply(createStepwell, undefined, [{ jobs, ...options }])
    const { code, message } = errorOf(call)
    expect([code, message]).toEqual(['invalid_input', expect.stringMatching(says)])
  })
})
