'use client'
import { createStepwell } from '@stepwell/core'
import { StepwellProvider, useJob } from '@stepwell/react'
import { add, jobs } from './jobs'

const client = createStepwell({
  jobs,
  worker: () => new Worker(new URL('./jobs.ts', import.meta.url), { type: 'module' }),
  database: 'packed-next',
})

export function Panel() {
  return (
    <StepwellProvider client={client}>
      <Add />
    </StepwellProvider>
  )
}

function Add() {
  const job = useJob(add)
  // The types of the packed declarations: no cast, no annotation.
  const sum: number | undefined = job.status === 'completed' ? job.output.sum : undefined
  const start = () => {
    const query = new URLSearchParams(location.search)
    const [server, key] = [query.get('server') ?? '', query.get('key') ?? '']
    void job.trigger({ numbers: [1, 2, 39], server, key })
  }
  return (
    <section>
      <button type="button" disabled={job.isLoading || job.isActive} onClick={start}>
        Add
      </button>
      <output>{sum === undefined ? job.status : `sum ${sum}`}</output>
      <p>{`steps ${job.progress?.current ?? 0}`}</p>
    </section>
  )
}
