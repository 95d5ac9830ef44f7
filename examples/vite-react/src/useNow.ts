import { useEffect, useState } from 'react'

const EACH_MS = 250

/** The time, while something is at work whose duration is shown; it stands still when nothing is. */
export function useNow(isTicking: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isTicking) return
    const timer = setInterval(() => setNow(Date.now()), EACH_MS)
    return () => clearInterval(timer)
  }, [isTicking])
  return now
}
