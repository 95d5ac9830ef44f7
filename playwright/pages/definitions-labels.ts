/** Jobs whose triggers are checked: labels by a schema, an input by a later build's schema. */
import { defineJob } from '@stepwell/core'
import { z } from 'zod'
import { gate, witness } from './outside.js'

/** Waits at the gate `<key>` where it is gated. */
export const labelled = defineJob({
  name: 'labelled',
  labels: z.object({ tenant: z.string().toLowerCase().min(2), plan: z.string().default('free') }),
  run: (step, input: { key: string; isGated?: boolean }) =>
    step.run('only', async () => {
      await witness(`${input.key}/only`)
      if (input.isGated) await gate(input.key)
    }),
})

/** What `parsed` is in a later build: it takes short names only. Not served by the usual page, for names are unique. */
export const parsedStrictly = defineJob({
  name: 'parsed',
  input: z.object({ name: z.string().max(2), size: z.number().default(7) }),
  run: (_step, input) => input,
})
