import { useStepwellStatus } from '@stepwell/react'
import { useEffect, useRef } from 'react'
import { Masthead } from './components/Masthead.tsx'
import { Story } from './components/Story.tsx'
import { useRoute } from './route.ts'
import { RunPage } from './runs/RunPage.tsx'
import { RunsPage } from './runs/RunsPage.tsx'
import { WaitingPage } from './waiting/WaitingPage.tsx'
import { shortId } from './words.ts'

export function App() {
  const route = useRoute()
  const main = useRef<HTMLElement>(null)
  const view = route.page === 'run' ? route.runId : route.page
  const shown = useRef(view)
  const { role } = useStepwellStatus()

  useEffect(() => {
    // Of several tabs, one sees which leads.
    document.title = `${MARKS[role]}Stepwell: ${TITLES[route.page]}`
  }, [route.page, role])

  useEffect(() => {
    // As after a page load of its own: readers start at the top of the new view, and so does the keyboard.
    if (shown.current === view) return
    shown.current = view
    main.current?.focus({ preventScroll: true })
    scrollTo(0, 0)
  }, [view])

  return (
    <div className="page">
      {route.page === 'story' && (
        <Masthead page="story" title="Kill this page. It will finish.">
          Stepwell adds up the delays of 200,000 flights in 400 batches. Each batch is a step, and
          its result is in an SQLite database in this browser before the next one starts. There is
          no server.
        </Masthead>
      )}
      {route.page === 'waiting' && (
        <Masthead page="waiting" title="It waits, and holds nothing.">
          One job that waits four times: for fifty runs of its own, for a time, for your word, and
          for its next attempt at a busy line. While it waits it is a row in the database: it takes
          no room from other jobs, and you can reload, close and kill what you like.
        </Masthead>
      )}
      {route.page === 'runs' && (
        <Masthead page="runs" title="Runs">
          All that was ever started here, read from the SQLite database in this browser, and kept up
          to date by its events.
        </Masthead>
      )}
      {route.page === 'run' && (
        <Masthead page="run" title={`Run ${shortId(route.runId)}`}>
          <a href="#/runs">← All runs</a>
        </Masthead>
      )}
      <main ref={main} tabIndex={-1}>
        {route.page === 'story' && <Story />}
        {route.page === 'waiting' && <WaitingPage />}
        {route.page === 'runs' && <RunsPage words={route.words} />}
        {route.page === 'run' && <RunPage key={route.runId} runId={route.runId} />}
      </main>
    </div>
  )
}

const MARKS = { leader: '● ', follower: '○ ', none: '' } as const

const TITLES = {
  story: 'kill this page, it will finish',
  waiting: 'it waits, and holds nothing',
  runs: 'runs',
  run: 'a run',
}
