import { type Run, useStepwell, useStepwellStatus } from '@stepwell/react'
import { useEffect, useState } from 'react'
import { flights } from './jobs.ts'

const LIMIT = 8
/** Events after which the list shows something else. */
const CHANGES = [
  'run:trigger',
  'run:start',
  'run:complete',
  'run:fail',
  'run:cancel',
  'run:retry',
] as const

export interface RecentRuns {
  runs: readonly Run<typeof flights>[]
  problem: string | null
}

/** The newest runs, read again after each event that changes the list. */
export function useRecentRuns(): RecentRuns {
  const stepwell = useStepwell()
  const ready = useStepwellStatus().state === 'ready'
  const [recent, setRecent] = useState<RecentRuns>({ runs: [], problem: null })

  useEffect(() => {
    if (!ready) return
    let wanted = true
    const read = () => {
      stepwell.getRuns({ job: flights, limit: LIMIT }).then(
        ({ runs }) => wanted && setRecent({ runs, problem: null }),
        (error: Error) => wanted && setRecent({ runs: [], problem: error.message }),
      )
    }
    const offs = CHANGES.map((type) => stepwell.on(type, read))
    read()
    return () => {
      wanted = false
      for (const off of offs) off()
    }
  }, [stepwell, ready])

  return recent
}
