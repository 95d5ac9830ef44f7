import { type RefObject, useEffect, useRef } from 'react'

/** Keeps the end of a list that scrolls in view while it grows. At once: smooth scrolling lags behind a fast import. */
export function useNewestInView(
  newest: string | number | undefined,
): RefObject<HTMLOListElement | null> {
  const box = useRef<HTMLOListElement>(null)
  useEffect(() => {
    if (newest !== undefined && box.current !== null)
      box.current.scrollTop = box.current.scrollHeight
  }, [newest])
  return box
}
