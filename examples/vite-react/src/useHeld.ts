import type { RunView, Step } from '@stepwell/react'
import { useRef } from 'react'
import type { flights } from './jobs.ts'

export interface Held {
  readonly runId: string | null
  readonly steps: readonly Step[]
  readonly startedAt: number | null
}

/** What was last known of a run: while the engine cannot be reached its steps stay on the screen. */
export function useHeld(runId: string | null, view: RunView<typeof flights>): Held {
  const held = useRef<Held>({ runId: null, steps: [], startedAt: null })
  // Written while rendering: it depends on the arguments alone, so rendering twice does no harm.
  if (view.run !== null || runId !== held.current.runId)
    held.current = { runId, steps: view.steps, startedAt: view.run?.startedAt ?? null }
  return held.current
}
