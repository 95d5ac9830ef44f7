/** Without a registered client: definitions are typed all the same, names are texts of which nothing is known. */
import { type AnyJob, defineJob, type JobView, type Stepwell } from '@stepwell/core'
import { StepwellProvider, useJob, useRun, type useStepwell } from '@stepwell/react'
import type { ReactNode } from 'react'
import { same } from '../assert.js'
import { stepwell } from '../client.js'
import { importCsv } from '../jobs.js'

export function Root({ children }: { children: ReactNode }): ReactNode {
  return <StepwellProvider client={stepwell}>{children}</StepwellProvider>
}

export const job = defineJob({
  name: 'context',
  run: (step) => {
    same<typeof step.context, unknown>()
    // @ts-expect-error of a context of which nothing is known nothing can be read
    step.context.token
  },
})
stepwell.setContext('whatever can be cloned')

export function Unregistered(): ReactNode {
  const job = useJob(importCsv)
  same<typeof job, JobView<typeof importCsv>>()
  // @ts-expect-error a definition brings its input type along
  job.trigger({ url: 7 })

  const named = useJob('import-csv')
  same<typeof named, JobView<AnyJob>>()
  if (named.status === 'completed') same<typeof named.output, unknown>()
  // @ts-expect-error of an output of which nothing is known nothing can be read
  named.output.pages

  const run = useRun('id')
  if (run.status === 'completed') {
    same<typeof run.output, unknown>()
    // @ts-expect-error nothing is `any`
    run.run.input.url
  }
  same<ReturnType<typeof useStepwell>, Stepwell<AnyJob>>()
  return null
}
