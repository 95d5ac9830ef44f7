/** `step.context`: its type comes from `Register`, in jobs, in `createStepwell` and in `setContext`. */
import { createStepwell, defineJob, type RegisteredContext } from '@stepwell/core'
import { same } from './assert.js'
import { stepwell } from './client.js'
import { jobs } from './jobs.js'

declare module '@stepwell/core' {
  interface Register {
    context: { token: string; user?: { id: number } }
  }
}

same<RegisteredContext, { token: string; user?: { id: number } }>()

export const upload = defineJob({
  name: 'upload',
  concurrency: 2,
  run: async (step) => {
    same<typeof step.context, RegisteredContext>()
    same<typeof step.context.token, string>()
    same<typeof step.labels, Readonly<Record<string, string>>>()
    // @ts-expect-error there is no such field
    step.context.password
    // @ts-expect-error it is the page's
    step.context = { token: 'x' }
    return step.run('id', () => step.context.user?.id ?? null)
  },
})

createStepwell({ jobs, context: () => ({ token: 'x' }), executors: 2 })
createStepwell({ jobs, context: async () => ({ token: 'x', user: { id: 1 } }) })
// @ts-expect-error a wrong type in the context
createStepwell({ jobs, context: () => ({ token: 7 }) })
// @ts-expect-error a function that makes it
createStepwell({ jobs, context: { token: 'x' } })
// @ts-expect-error a number
createStepwell({ jobs, executors: '2' })
defineJob({
  name: 'wrong-concurrency',
  // @ts-expect-error a number
  concurrency: 'one',
  run: () => 1,
})

export function sets(): void {
  stepwell.setContext({ token: 'x' })
  // @ts-expect-error the token is missing
  stepwell.setContext({ user: { id: 1 } })
  // @ts-expect-error a context is wanted
  stepwell.setContext()
}
