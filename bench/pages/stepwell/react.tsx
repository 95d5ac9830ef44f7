/** The case of a component that shows how far a run is. */
import { StepwellProvider, useRun } from '@stepwell/react'
import { createRoot, type Root } from 'react-dom/client'
import { type Commits, counted, startCounting, useCommitCount } from '../commits.js'
import { clientOf, type Place } from './clients.js'
import { reporter } from './jobs.js'

function Progress({ runId }: { readonly runId: string }) {
  useCommitCount()
  const { status, progress } = useRun<typeof reporter>(runId)
  return (
    <p>
      {status} {progress?.current}
    </p>
  )
}

let root: Root | null = null

export const react = {
  /** What React commits while a run says so many times how far it is. */
  async commits(place: Place, count: number): Promise<Commits> {
    const client = clientOf(place)
    root ??= createRoot(document.body.appendChild(document.createElement('div')))
    startCounting()
    const { id } = await client.trigger(reporter, { count })
    root.render(
      <StepwellProvider client={client}>
        <Progress runId={id} />
      </StepwellProvider>,
    )
    await client.waitForRun(id)
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    const commits = counted()
    root.render(null)
    return commits
  },
}
