import type { ReactNode } from 'react'
import type { Stage, StageName, StageState } from './stages.ts'

const WORDS: Record<StageState, string> = {
  ahead: 'to come',
  now: 'now',
  done: 'done',
  failed: 'failed',
  stopped: 'stopped',
  skipped: 'not needed',
}
const MARKS: Record<StageState, string> = {
  ahead: '',
  now: '▸',
  done: '✓',
  failed: '×',
  stopped: '■',
  skipped: '–',
}

interface Props {
  stage: Stage
  number: number
  title: string
  /** The call in the job that waits. */
  call: string
  children: ReactNode
}

/** One of the waits: what it is, how it does, and the line of code that makes it. */
export function StageCard({ stage: { name, state }, number, title, call, children }: Props) {
  return (
    <li className={`stage is-${state}`} data-testid={`stage-${name satisfies StageName}`}>
      <span className="stage-mark" aria-hidden="true">
        {MARKS[state] === '' ? number : MARKS[state]}
      </span>
      <div className="stage-body">
        <div className="stage-head">
          <h3>{title}</h3>
          <code>{call}</code>
          <span className="stage-state">{WORDS[state]}</span>
        </div>
        {children}
      </div>
    </li>
  )
}
