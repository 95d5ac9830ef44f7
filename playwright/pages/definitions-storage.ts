/** Jobs for tests of a full disk. */
import { defineJob } from '@stepwell/core'
import { gate, witness } from './outside.js'

/** A step with a large result, which waits for the gate `<key>` before it returns; and one after it. */
export const bulky = defineJob({
  name: 'bulky',
  run: async (step, { key, size }: { readonly key: string; readonly size: number }) => {
    const text = await step.run('large', async () => {
      await witness(`${key}/large`)
      await gate(key)
      return 'x'.repeat(size)
    })
    await step.run('small', () => witness(`${key}/small`))
    return text.length
  },
})
