// The same jobs as Stepwell's, as durably's documentation writes them.
import { defineJob } from '@coji/durably'
import { z } from 'zod'
import { sharedNow } from '../../pages/clock.ts'

const OUTPUT = { text: 'x'.repeat(88) }
const nothing = z.object({})
const many = z.object({ count: z.number() })

const wallNow = () => performance.timeOrigin + performance.now()
const passes = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Told of each step of `slow` that starts. */
export const started = new EventTarget()

export const jobs = {
  steps: defineJob({
    name: 'steps',
    input: many,
    run: async (step, { count }) => {
      for (let i = 0; i < count; i++) await step.run(`step-${i}`, () => OUTPUT)
    },
  }),
  one: defineJob({
    name: 'one',
    input: nothing,
    run: async (step) => {
      await step.run('work', () => OUTPUT)
    },
  }),
  firstStep: defineJob({
    name: 'first-step',
    input: nothing,
    output: z.object({ at: z.number() }),
    run: (step) => step.run('first', () => ({ at: wallNow() })),
  }),
  echo: defineJob({
    name: 'echo',
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string() }),
    run: (step, input) => step.run('echo', () => input),
  }),
  slow: defineJob({
    name: 'slow',
    input: many,
    run: async (step, { count }) => {
      for (let i = 0; i < count; i++) {
        await step.run(`step-${i}`, async () => {
          started.dispatchEvent(new CustomEvent('step', { detail: { index: i, at: sharedNow() } }))
          await passes(20)
        })
      }
    },
  }),
  chatter: defineJob({
    name: 'chatter',
    input: z.object({ lines: z.number() }),
    run: async (step, { lines }) => {
      await step.run('talk', () => {
        for (let i = 0; i < lines; i++) step.log.info(`line ${i} of what a job has to say`)
      })
    },
  }),
  reporter: defineJob({
    name: 'reporter',
    input: many,
    run: async (step, { count }) => {
      for (let i = 1; i <= count; i++) {
        step.progress(i, count)
        await passes(0)
      }
    },
  }),
}
