/**
 * What is behind an entry of a list of runs: read once, a page at a time, then kept right by events and by
 * reads of single runs, which are merged to one round a frame. One thing is read after the other.
 */
import type { Commands } from '../client/core.js'
import { RUNS_LIMIT_MAX } from '../client/filters.js'
import { type StepwellError, toStepwellError } from '../errors.js'
import type { EntryParts } from './cache.js'
import { cancelFrame, inNextFrame } from './frame.js'
import { handled } from './handled.js'
import { NO_RUNS, type RunsQuery, type RunsState } from './runs-entry.js'
import { createKnownRuns } from './runs-known.js'
import { runOf } from './runs-list.js'
import { obstacleOf } from './view.js'

/** How many runs are read in one round. More wait for the next: by then the list may have no room for them. */
const READS_MAX = 50

export interface RunsParts extends EntryParts<RunsState> {
  fetchNextPage(): Promise<void>
}

interface NextPage {
  readonly promise: Promise<void>
  readonly end: (reason?: { readonly thrown: unknown }) => void
}

export function createRunsParts(core: Commands, query: RunsQuery, changed: () => void): RunsParts {
  const { limit, key: _key, ...filter } = query
  const known = createKnownRuns(query)
  let error: StepwellError | null = null
  /** How many runs the list may have: the limit, for each page that was asked for. */
  let capacity = limit
  let nextPage: NextPage | null = null
  let isStarted = false
  let isWorking = false
  let isToBeLoaded = false
  /** The first page was asked for before there was an engine: it is asked of the next one, after its reset. */
  let isAskedAhead = false
  /** Single runs were read, or something failed, in this frame. */
  let isPaced = false

  const makeView = (): RunsState => {
    const { list } = known
    const obstacle = obstacleOf(core.status.get())
    const isUnavailable = obstacle !== null || (list === null && error !== null)
    return {
      status: isUnavailable ? 'unavailable' : list === null ? 'loading' : 'ready',
      error: obstacle ?? error,
      runs: list?.runs ?? NO_RUNS,
      hasNextPage: list !== null && list.floor !== null,
      isFetchingNextPage: nextPage !== null,
    }
  }
  const show = () => {
    cancelFrame(show)
    const next = makeView()
    if (isSameView(view, next)) return
    view = next
    changed()
  }
  /** Runs come and change by the thousand; what happens once is shown at once. */
  const showSoon = () => {
    const { status, isFetchingNextPage } = makeView()
    if (status !== view.status || isFetchingNextPage !== view.isFetchingNextPage) show()
    else inNextFrame(show)
  }
  const pace = () => {
    isPaced = true
    inNextFrame(unpace)
  }
  const unpace = () => {
    isPaced = false
    if (error === null) void work()
  }
  const getPage = (cursor: string | null, count: number) =>
    core.readRuns({
      ...filter,
      cursor: cursor ?? undefined,
      limit: Math.min(count, RUNS_LIMIT_MAX),
    })
  const load = async () => {
    isToBeLoaded = false
    isAskedAhead = core.status.get().state !== 'ready'
    let page = await getPage(null, capacity)
    let runs = page.runs
    while (page.nextCursor !== null && runs.length < capacity) {
      page = await getPage(page.nextCursor, capacity - runs.length)
      runs = [...runs, ...page.runs]
    }
    if (isStarted) known.load(runs, page.nextCursor)
  }
  const readPage = async (from: string, count: number) => {
    const page = await getPage(from, count)
    if (isStarted) known.page(page.runs, page.nextCursor)
  }
  const readRuns = async (runIds: readonly string[]) => {
    pace()
    const reads = runIds.map(async (id) => known.read(id, await core.readRun(id)))
    for (const read of await Promise.allSettled(reads)) {
      if (read.status === 'rejected') throw read.reason
    }
  }
  const nextPiece = (): { runIds: readonly string[]; read(): Promise<void> } | null => {
    if (isPaced && error !== null) return null
    if (isToBeLoaded) return { runIds: [], read: load }
    if (known.list === null) return null
    known.trim(capacity)
    const { list } = known
    const { runs, floor } = list
    const wanted = known.wanted()
    // Those in the list are only read again.
    const coming = wanted.filter((id) => runOf(list, id) === undefined)
    const missing = capacity - runs.length - coming.length
    // Not for each run that leaves: half a page at a time.
    const isShort = missing >= (nextPage === null ? Math.ceil(limit / 2) : 1)
    if (floor !== null && isShort) return { runIds: [], read: () => readPage(floor, missing) }
    if (wanted.length === 0 || isPaced) return null
    const runIds = wanted.slice(0, READS_MAX)
    return { runIds, read: () => readRuns(runIds) }
  }
  const work = async () => {
    if (isWorking || !isStarted) return
    isWorking = true
    try {
      for (let piece = nextPiece(); piece !== null && isStarted; piece = nextPiece()) {
        known.begin(piece.runIds)
        await piece.read()
        known.end()
        error = null
        showSoon()
      }
      endNextPage()
    } catch (reason) {
      known.end()
      // While the connection itself is down its status says why, and a reset will read again. Else the next event will.
      error = obstacleOf(core.status.get()) === null ? toStepwellError(reason) : null
      isAskedAhead = false
      isToBeLoaded = true
      capacity = Math.max(limit, known.list?.runs.length ?? 0)
      pace()
      endNextPage({ thrown: reason })
    }
    isWorking = false
    showSoon()
  }
  const endNextPage = (reason?: { readonly thrown: unknown }) => {
    const ended = nextPage
    nextPage = null
    ended?.end(reason)
  }
  const fetchNextPage = () => {
    if (nextPage !== null) return nextPage.promise
    if (!isStarted || known.list === null || known.list.floor === null) return Promise.resolve()
    let end: NextPage['end'] = () => undefined
    const promise = new Promise<void>((resolve, reject) => {
      end = (reason) => (reason === undefined ? resolve() : reject(reason.thrown))
    })
    nextPage = { promise: handled(promise), end }
    capacity += limit
    // Somebody asks: a failure a moment ago is no reason to wait.
    if (error !== null) isPaced = false
    showSoon()
    void work()
    return promise
  }
  let view = makeView()
  return {
    runId: null,
    get: () => view,
    fetchNextPage,
    start() {
      isStarted = true
      isToBeLoaded = true
      show()
      void work()
    },
    stop() {
      isStarted = false
      cancelFrame(show)
      cancelFrame(unpace)
      isPaced = false
      known.forget()
      capacity = limit
      endNextPage()
    },
    onEvents(events) {
      const before = known.list
      for (const event of events) known.tell(event)
      if (known.list !== before) inNextFrame(show)
      void work()
    },
    onReset() {
      isToBeLoaded ||= !isAskedAhead
      isAskedAhead = false
      void work()
    },
    onStatus: show,
  }
}

function isSameView(a: RunsState, b: RunsState): boolean {
  return (
    a.status === b.status &&
    a.error === b.error &&
    a.runs === b.runs &&
    a.hasNextPage === b.hasNextPage &&
    a.isFetchingNextPage === b.isFetchingNextPage
  )
}
