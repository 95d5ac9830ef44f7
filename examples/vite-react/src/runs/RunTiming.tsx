import type { Run } from '@stepwell/react'
import { useNow } from '../useNow.ts'
import { duration, when } from '../words.ts'
import { Fact } from './Fact.tsx'
import { isActive } from './states.ts'

/** How long it waited for its turn, how long it was at work or waited in between, and both to scale. */
export function RunTiming({ run }: { run: Run }) {
  const { createdAt, startedAt, completedAt, status } = run
  const now = Math.max(useNow(isActive(status)), createdAt)
  const end = completedAt ?? now
  const queued = (startedAt ?? end) - createdAt
  const running = startedAt === null ? null : Math.max(end - startedAt, 0)
  return (
    <section className="card" aria-labelledby="timing-title">
      <h2 id="timing-title">Timing</h2>
      <div className="timing" aria-hidden="true">
        <span className="timing-queued" style={{ flexGrow: queued }} />
        <span className="timing-running" style={{ flexGrow: running ?? 0 }} />
      </div>
      <dl className="facts">
        <Fact name="Triggered">
          <time dateTime={new Date(createdAt).toISOString()}>{when(createdAt)}</time>
        </Fact>
        <Fact name="Queued" className="key-queued">
          {duration(queued)}
        </Fact>
        <Fact name="At work, or waiting" className="key-running">
          {running === null ? '–' : duration(running)}
        </Fact>
        <Fact name="Total">{duration(queued + (running ?? 0))}</Fact>
      </dl>
    </section>
  )
}
