/**
 * How long the tasks of a page's main thread take, as Chromium itself records them.
 *
 * A `PerformanceObserver` tells of tasks over 50 ms only, and a clock around our own handlers would leave out what they
 * cause: the reading of a message's data, microtasks, React's commit, garbage. The trace has each task of the thread from
 * its start to its end. Of that its CPU time is taken and not its duration, for on a busy machine a task that waits for a
 * core is not a task that blocks.
 */
import type { CDPSession, Page } from '@playwright/test'

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** Microseconds of CPU time. */
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

export interface TaskTimes {
  readonly count: number
  /** Milliseconds of CPU time, the longest first. */
  readonly longest: readonly number[]
}

/** The tasks of the page's main thread while `during` is under way. The page must have a browser of its own. */
export async function mainThreadTasks(
  page: Page,
  during: () => Promise<unknown>,
): Promise<TaskTimes> {
  const session = await page.context().newCDPSession(page)
  const events: TraceEvent[] = []
  session.on('Tracing.dataCollected', ({ value }) => {
    // Typed as objects of texts, which they are not.
    const read: readonly object[] = value
    events.push(...read.filter(isTraceEvent))
  })
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', '__metadata'] },
  })
  await during()
  await endTracing(session)
  const isMain = ({ name, args }: TraceEvent) =>
    name === 'thread_name' && args?.name === 'CrRendererMain'
  const threads = new Set(events.filter(isMain).map(({ pid, tid }) => `${pid}/${tid}`))
  const tasks = events.filter(
    ({ name, ph, pid, tid }) => name === 'RunTask' && ph === 'X' && threads.has(`${pid}/${tid}`),
  )
  const times = tasks.map(({ tdur = Number.NaN }) => tdur / 1000).sort((a, b) => b - a)
  return { count: times.length, longest: times.slice(0, 5) }
}

async function endTracing(session: CDPSession): Promise<void> {
  const complete = new Promise<void>((resolve) => {
    session.once('Tracing.tracingComplete', () => resolve())
  })
  await session.send('Tracing.end')
  await complete
  await session.detach()
}

function isTraceEvent(value: object): value is TraceEvent {
  return 'name' in value && 'ph' in value && 'pid' in value && 'tid' in value
}
