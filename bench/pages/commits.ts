/** Counts what React commits, and in which frames. */
import { useLayoutEffect } from 'react'

export interface Commits {
  readonly commits: number
  /** The most of one animation frame. */
  readonly mostOfAFrame: number
}

let frames = new Map<number, number>()
let frame = 0
let isCounting = false

export function startCounting(): void {
  frames = new Map()
  if (isCounting) return
  isCounting = true
  const next = () => {
    frame += 1
    requestAnimationFrame(next)
  }
  requestAnimationFrame(next)
}

export function counted(): Commits {
  const all = [...frames.values()]
  return { commits: all.reduce((sum, some) => sum + some, 0), mostOfAFrame: Math.max(0, ...all) }
}

/** For the component that is watched. */
export function useCommitCount(): void {
  useLayoutEffect(() => {
    frames.set(frame, (frames.get(frame) ?? 0) + 1)
  })
}
