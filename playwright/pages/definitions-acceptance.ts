/** Jobs of the tests that complete the proof of ACCEPTANCE. */
import { defineJob } from '@stepwell/core'
import { gate, witness } from './outside.js'

/**
 * Its step waits at the gate `<key>`, or returns once it is aborted. Apart from that, something that it started and
 * forgot waits at the gate `<key>-late`, then tells progress and writes lines in every way there is.
 */
export const lingering = defineJob({
  name: 'lingering',
  run: async (step, { key }: { readonly key: string }) => {
    await step.run('wait', async ({ signal, log, progress }) => {
      void gate(`${key}-late`).then(async () => {
        const returned = [
          progress(1, 2, 'late'),
          step.progress(2, 2, 'late'),
          log.info('late'),
          step.log.error('late'),
        ]
        await witness(`${key}/returned/${returned.map(String).join()}`)
      })
      await witness(`${key}/wait`)
      await gate(key, signal).catch(() => witness(`${key}/aborted`))
    })
  },
})

/** Waits at the gate `<key>` between steps, and hears no signal. */
export const deaf = defineJob({
  name: 'deaf',
  run: async (step, { key }: { readonly key: string }) => {
    await step.run('begin', () => witness(`${key}/begin`))
    await gate(key)
  },
})
