/** What React committed, and in which frame. */
import { useLayoutEffect } from 'react'

export interface Commit {
  readonly panel: string
  readonly frame: number
  readonly status: string
  readonly runId: string | null
  readonly isDisabled: boolean
  readonly progress: number | null
}

declare global {
  interface Window {
    commits: Commit[]
  }
}

let frame = 0

export function countFrames(): void {
  window.commits = []
  const next = () => {
    frame += 1
    requestAnimationFrame(next)
  }
  requestAnimationFrame(next)
}

/** Records each commit of the component that calls it. */
export function useCommitRecord(commit: Omit<Commit, 'frame'>): void {
  useLayoutEffect(() => {
    window.commits.push({ ...commit, frame })
  })
}
