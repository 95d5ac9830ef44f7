import { useStepwell, useStepwellStatus } from '@stepwell/react'
import { useEffect, useState } from 'react'
import { type Histogram, histogramSchema, merge } from './histogram.ts'

/** The least time between two reads: at full speed hundreds of batches are committed in a second. */
const GAP_MS = 120

export interface Committed {
  readonly batches: number
  readonly histogram: Histogram
}

const NOTHING: Committed = { batches: 0, histogram: [] }

/** The sum of the outputs that are in the database, read again after the commits of further ones. */
export function useCommitted(runId: string | null): Committed {
  const stepwell = useStepwell()
  // A new epoch is a new engine: what the old one committed last may not have been told.
  const { state, epoch } = useStepwellStatus()
  const [known, setKnown] = useState<{ runId: string | null; committed: Committed }>({
    runId: null,
    committed: NOTHING,
  })

  useEffect(() => {
    if (runId === null || state !== 'ready') return
    let wanted = true
    let isBusy = false
    let isStale = false
    // A committed output never changes, so each is added once.
    const added = new Set<string>()
    let histogram: Histogram = []

    const read = async () => {
      const steps = await stepwell.getSteps(runId, { outputs: true })
      for (const { name, status, output } of steps) {
        if (status !== 'completed' || added.has(name)) continue
        added.add(name)
        histogram = merge(histogram, histogramSchema.parse(output))
      }
      if (wanted) setKnown({ runId, committed: { batches: added.size, histogram } })
    }
    const next = () => {
      isBusy = false
      if (wanted && isStale) soon()
    }
    const soon = () => {
      isStale = true
      if (isBusy) return
      isBusy = true
      isStale = false
      // A crash in the middle of a read: the new epoch starts this effect anew.
      read()
        .catch(() => undefined)
        .then(() => setTimeout(next, GAP_MS))
    }
    const off = stepwell.on('step:complete', (event) => {
      if (event.runId === runId) soon()
    })
    soon()
    return () => {
      wanted = false
      off()
    }
  }, [stepwell, runId, state, epoch])

  return known.runId === runId ? known.committed : NOTHING
}
