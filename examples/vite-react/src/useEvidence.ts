import { useEffect, useState } from 'react'
import {
  type Controls,
  DEFAULTS,
  type Evidence,
  onEvidence,
  readControls,
  readEvidence,
  type Start,
} from './evidence.ts'

const keyOf = ({ worker, batch, attempt }: Start): string => `${worker} ${batch} ${attempt}`
const NONE: Evidence = { starts: [], presses: [] }

/** What the witness has on record of a run: read once, then told by each body that starts. */
export function useEvidence(runId: string | null): Evidence {
  const [known, setKnown] = useState<{ runId: string | null; evidence: Evidence }>({
    runId: null,
    evidence: NONE,
  })

  useEffect(() => {
    if (runId === null) return
    let wanted = true
    let frame = 0
    let fresh: Start[] = []
    const flush = () => {
      frame = 0
      const added = fresh
      fresh = []
      setKnown((now) => ({
        runId: now.runId,
        evidence: { ...now.evidence, starts: [...now.evidence.starts, ...added] },
      }))
    }
    const soon = () => {
      if (frame === 0) frame = requestAnimationFrame(flush)
    }
    let isRead = false
    const off = onEvidence((change) => {
      if (change.type !== 'start' || change.start.runId !== runId) return
      fresh.push(change.start)
      if (isRead) soon()
    })
    readEvidence(runId).then((evidence) => {
      if (!wanted) return
      isRead = true
      // What was told during the read may be in it.
      const known = new Set(evidence.starts.map(keyOf))
      fresh = fresh.filter((start) => !known.has(keyOf(start)))
      setKnown({ runId, evidence })
      if (fresh.length > 0) soon()
    }, console.error)
    return () => {
      wanted = false
      cancelAnimationFrame(frame)
      off()
    }
  }, [runId])

  return known.runId === runId ? known.evidence : NONE
}

/** The switches that the worker reads at the start of each batch. They survive reloads, as it does not. */
export function useControls(): Controls {
  const [controls, setControls] = useState(DEFAULTS)
  useEffect(() => {
    let wanted = true
    const read = () => {
      readControls().then((now) => wanted && setControls(now), console.error)
    }
    const off = onEvidence((change) => {
      if (change.type === 'controls') setControls(change.controls)
      // A start has taken the failure that was asked for.
      else setControls((now) => (now.failNext ? { ...now, failNext: false } : now))
    })
    read()
    return () => {
      wanted = false
      off()
    }
  }, [])
  return controls
}
