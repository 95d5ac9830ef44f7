import type { ReactNode } from 'react'
import type { Route } from '../route.ts'
import { EngineStatus } from './EngineStatus.tsx'

interface Props {
  page: Route['page']
  title: string
  children: ReactNode
}

/** The page of a run is one of those below the run table. */
const RUNS_CURRENT = { story: undefined, waiting: undefined, runs: 'page', run: 'true' } as const

/** The head of each view: where one can go, what this is, and how the engine does. */
export function Masthead({ page, title, children }: Props) {
  return (
    <header className="masthead">
      <nav className="views" aria-label="Views">
        <a href="#/" aria-current={page === 'story' ? 'page' : undefined}>
          Story
        </a>
        <a href="#/waiting" aria-current={page === 'waiting' ? 'page' : undefined}>
          Waiting
        </a>
        <a href="#/runs" aria-current={RUNS_CURRENT[page]}>
          Runs
        </a>
      </nav>
      <div className="masthead-text">
        <h1>{title}</h1>
        <p className="lede">{children}</p>
      </div>
      <EngineStatus />
    </header>
  )
}
