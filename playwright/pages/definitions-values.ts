/** Jobs with values beyond JSON. */
import { defineJob } from '@stepwell/core'
import { gate, witness } from './outside.js'

/** Everything of a value that must not change, as text. */
export async function describe(value: unknown): Promise<string> {
  if (value instanceof File) {
    return `File(${value.name},${value.type},${value.lastModified},${await value.text()})`
  }
  if (value instanceof Blob) return `Blob(${value.type},${await value.text()})`
  if (value instanceof Uint8Array) return `bytes(${value.join()})`
  if (value instanceof Date) return `Date(${value.getTime()})`
  if (value instanceof Map) return `Map${await describe([...value])}`
  if (value instanceof Set) return `Set${await describe([...value])}`
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof ArrayBuffer) return `buffer(${new Uint8Array(value).join()})`
  if (Array.isArray(value)) return `[${(await Promise.all(value.map(describe))).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).map(async ([key, item]) => `${key}:${await describe(item)}`)
  return `{${(await Promise.all(entries)).join()}}`
}

export interface Kept {
  readonly key: string
  readonly file: File
  readonly blob: Blob
  readonly list: readonly (Uint8Array | ArrayBuffer)[]
}

/** Tells the witness what it sees of its input and of its step's output, then waits at the gate `<key>`. */
export const kept = defineJob({
  name: 'kept',
  run: async (step, input: Kept) => {
    const made = await step.run('make', async () => {
      await witness(`${input.key}/make`)
      const head = await input.file.slice(0, 2).arrayBuffer()
      return {
        head: new Uint8Array(head),
        copy: new File([head, 'é'], 'copy.txt', { type: 'text/x-copy', lastModified: 5 }),
        nested: [{ png: new Blob(['\u0000#\n'], { type: 'image/png' }) }],
      }
    })
    const { key: _key, ...rest } = input
    step.log.info('made', { head: made.head })
    await witness(`${input.key}/saw/${encodeURIComponent(await describe([rest, made]))}`)
    await step.run('wait', async () => {
      await witness(`${input.key}/wait`)
      await gate(input.key)
    })
    return { ...made, note: 'ended' }
  },
})

/** Says how large its file is. */
export const measured = defineJob({
  name: 'measured',
  run: (step, { file }: { readonly file: File }) =>
    step.run('measure', async () => ({
      size: file.size,
      tail: new Uint8Array(await file.slice(-4).arrayBuffer()),
    })),
})

/** Its step returns a File of so many bytes once the gate `<key>` is open; its output is the size it saw. */
export const producing = defineJob({
  name: 'producing',
  run: async (
    step,
    { key, bytes }: { readonly key: string; readonly bytes: number; readonly file?: File },
  ) => {
    const file = await step.run('produce', async () => {
      await witness(`${key}/produce`)
      await gate(key)
      return new File([new Uint8Array(bytes)], 'made.bin')
    })
    await step.run('after', () => witness(`${key}/after`))
    return file.size
  },
})

/** Its step returns text of so many characters. */
export const wordy = defineJob({
  name: 'wordy',
  run: (step, { length }: { readonly length: number }) =>
    step.run('speak', () => 'x'.repeat(length)),
})

/** Writes lines in two steps, with a wait at the gate `<key>` in between. */
export const chatty = defineJob({
  name: 'chatty',
  run: async (step, { key, lines }: { readonly key: string; readonly lines: number }) => {
    const speak = (name: string) =>
      step.run(name, async ({ log }) => {
        for (let i = 0; i < lines; i++) log.info(`${name} ${i}`)
        await witness(`${key}/${name}`)
      })
    await speak('one')
    await step.run('wait', () => gate(key))
    await speak('two')
  },
})

export interface Rich {
  readonly key: string
  readonly at: Date
  readonly file: File
}

/** For pages with a serializer: tells the witness what it sees, then waits at the gate `<key>`. */
export const rich = defineJob({
  name: 'rich',
  run: async (step, { key, at, file }: Rich) => {
    const made = await step.run('make', async () => {
      await witness(`${key}/make`)
      return {
        later: new Date(at.getTime() + 1),
        byId: new Map([['a', new Set([1, 2])]]),
        big: 2n ** 70n,
        none: undefined,
        file,
        bytes: Uint8Array.of(1, 2),
      }
    })
    step.log.info('made', { later: made.later })
    await witness(`${key}/saw/${encodeURIComponent(await describe([at, made]))}`)
    await step.run('wait', async () => {
      await witness(`${key}/wait`)
      await gate(key)
    })
    return made
  },
})
