import { useNow } from '../useNow.ts'
import { timeLeft } from '../words.ts'

/** How long until then. It is for looking at: the engine has a clock of its own. */
export function Countdown({ until }: { until: number }) {
  return (
    <span className="countdown" role="timer">
      {timeLeft(until - useNow(true))}
    </span>
  )
}
