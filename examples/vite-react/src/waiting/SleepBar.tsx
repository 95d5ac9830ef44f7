import { useNow } from '../useNow.ts'
import { clock } from '../words.ts'
import { Countdown } from './Countdown.tsx'

/** How much of a sleep is over. Both times are the engine's: a page that was closed meanwhile shows the same. */
export function SleepBar({ from, until }: { from: number; until: number }) {
  const now = useNow(true)
  return (
    <div className="sleep">
      <progress aria-label="Slept" value={Math.min(now, until) - from} max={until - from} />
      <p>
        <Countdown until={until} /> <span className="aside">to {clock(until)}</span>
      </p>
    </div>
  )
}
