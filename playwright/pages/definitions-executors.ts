/** Jobs that tell where they run, and what they are given there. */
import { defineJob, type JobStep } from '@stepwell/core'
import { gate, witness } from './outside.js'

/** Of this worker, or of this page. `randomUUID` is missing where a page is insecure. */
const place = crypto.getRandomValues(new Uint32Array(2)).join('-')

interface Placed {
  readonly key: string
  readonly name: string
}

/** Tells the witness `<key>/<name>/<place>`, waits at the gate `<key>-<name>`, and returns its place. */
function stay(step: JobStep, { key, name }: Placed): Promise<string> {
  return step.run('stay', async () => {
    await witness(`${key}/${name}/${place}`)
    await gate(`${key}-${name}`)
    return place
  })
}

export const placed = defineJob({ name: 'placed', run: (step, input: Placed) => stay(step, input) })

/** As `placed`, but two at once at most. */
export const limited = defineJob({
  name: 'limited',
  concurrency: 2,
  run: (step, input: Placed) => stay(step, input),
})

/** Tells the witness the token of its context: before and after it waits in a step at the gate `<key>`, and at the end. */
export const contextual = defineJob({
  name: 'contextual',
  run: async (step, { key }: { readonly key: string; readonly marker?: string }) => {
    await step.run('wait', async ({ log }) => {
      await witness(`${key}/before/${tokenOf(step.context)}`)
      await gate(key)
      await witness(`${key}/after/${tokenOf(step.context)}`)
      log.info('has used its context')
    })
    await step.run('end', () => witness(`${key}/end/${tokenOf(step.context)}`))
  },
})

function tokenOf(context: unknown): string {
  if (typeof context !== 'object' || context === null || !('token' in context)) return 'none'
  return String(context.token)
}
