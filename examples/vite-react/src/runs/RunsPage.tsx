import { useRuns } from '@stepwell/react'
import { useMemo } from 'react'
import type { Words } from '../route.ts'
import { plural } from '../words.ts'
import { ActionButton } from './ActionButton.tsx'
import { BatchStart } from './BatchStart.tsx'
import { DatabaseFile } from './DatabaseFile.tsx'
import { filterOf, isFiltered } from './filter.ts'
import { PurgeRuns } from './PurgeRuns.tsx'
import { RunFilters } from './RunFilters.tsx'
import { RunTable } from './RunTable.tsx'

const PAGE_RUNS = 20

/** Every run of every job, newest first, as far as the filter lets them through. */
export function RunsPage({ words }: { words: Words }) {
  const filter = useMemo(() => filterOf(words), [words])
  // It stays right by itself: runs come, change and go in it as they do in the database.
  const list = useRuns({ ...filter, limit: PAGE_RUNS })
  const { runs, status, error, hasNextPage, isFetchingNextPage } = list
  return (
    <>
      <section className="card runs" aria-label="All runs">
        <RunFilters words={words} />
        {status === 'loading' && <p className="empty nothing">Reading the runs…</p>}
        {status === 'unavailable' && runs.length === 0 && (
          <p className="empty nothing">
            The runs are listed when the database is open in this tab.
          </p>
        )}
        {status === 'ready' && error !== null && <p className="problem">{error.message}</p>}
        {status === 'ready' && runs.length === 0 && <Nothing words={words} />}
        {runs.length > 0 && <RunTable runs={runs} words={words} />}
        <div className="more">
          <p className="aside" role="status">
            {status !== 'ready' ? '' : shownText(runs.length, hasNextPage)}
          </p>
          {hasNextPage && (
            <ActionButton isBusy={isFetchingNextPage} onClick={list.fetchNextPage}>
              {isFetchingNextPage ? 'Loading…' : 'Load more'}
            </ActionButton>
          )}
        </div>
      </section>
      <div className="tools">
        <BatchStart />
        <PurgeRuns />
        <DatabaseFile />
      </div>
    </>
  )
}

const shownText = (shown: number, hasMore: boolean): string =>
  hasMore ? `The newest ${plural(shown, 'run')}. There are more.` : `${plural(shown, 'run')}.`

function Nothing({ words }: { words: Words }) {
  return isFiltered(words) ? (
    <p className="empty nothing">
      No run is like that. <a href="#/runs">Show all</a>
    </p>
  ) : (
    <p className="empty nothing">
      Nothing was started in this browser yet. Start a batch below, or{' '}
      <a href="#/">begin with the story</a>.
    </p>
  )
}
