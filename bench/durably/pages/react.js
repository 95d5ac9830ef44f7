// The case of a component that shows how far a run is.
import { DurablyProvider, useJobRun } from '@coji/durably-react/spa'
import { createElement as element } from 'react'
import { createRoot } from 'react-dom/client'
import { counted, startCounting, useCommitCount } from '../../pages/commits.ts'
import { polling } from './instances.js'

function Progress({ runId }) {
  useCommitCount()
  const { status, progress } = useJobRun({ runId })
  return element('p', null, status, ' ', progress?.current)
}

let root = null

export const react = {
  /** What React commits while a run says so many times how far it is. */
  commits: (place, count) =>
    polling(place, async ({ durably }) => {
      root ??= createRoot(document.body.appendChild(document.createElement('div')))
      startCounting()
      const { id } = await durably.jobs.reporter.trigger({ count })
      root.render(element(DurablyProvider, { durably }, element(Progress, { runId: id })))
      await durably.waitForRun(id)
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      const commits = counted()
      root.render(null)
      return commits
    }),
}
