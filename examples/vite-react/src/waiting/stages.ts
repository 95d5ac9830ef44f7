/** Where the run stands in its four waits. Pure. */
import type { RunView, Step } from '@stepwell/react'

export const STAGES = ['count', 'embargo', 'approval', 'publish'] as const
export type StageName = (typeof STAGES)[number]

/** `skipped`: the run has ended, and never came here. */
export type StageState = 'ahead' | 'now' | 'done' | 'failed' | 'stopped' | 'skipped'

export interface Stage {
  readonly name: StageName
  readonly state: StageState
  /** Once it was called. */
  readonly step: Step | undefined
}

export function stagesOf({ steps, isTerminal }: RunView): readonly Stage[] {
  return STAGES.map((name) => {
    const step = steps.find((each) => each.name === name)
    return { name, step, state: stateOf(step, isTerminal) }
  })
}

function stateOf(step: Step | undefined, isOver: boolean): StageState {
  if (step === undefined) return isOver ? 'skipped' : 'ahead'
  if (step.status === 'completed') return 'done'
  if (step.status === 'failed') return 'failed'
  return isOver ? 'stopped' : 'now'
}
