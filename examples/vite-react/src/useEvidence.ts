import { useCallback, useEffect, useState } from 'react'
import {
  type Controls,
  DEFAULTS,
  type Evidence,
  onEvidence,
  type Press,
  readControls,
  readEvidence,
  type Start,
  setControl,
} from './evidence.ts'

const keyOf = (item: Start | Press): string =>
  'worker' in item ? `${item.worker} ${item.batch} ${item.attempt}` : `${item.kind} ${item.at}`
const NONE: Evidence = { starts: [], presses: [] }

const both = (a: Evidence, b: Evidence): Evidence => ({
  starts: [...a.starts, ...b.starts],
  presses: [...a.presses, ...b.presses],
})

/** What the witness has on record of a run: read once, then told by each body that starts. */
export function useEvidence(runId: string | null): Evidence {
  const [known, setKnown] = useState<{ runId: string | null; evidence: Evidence }>({
    runId: null,
    evidence: NONE,
  })

  useEffect(() => {
    if (runId === null) return
    let wanted = true
    let isRead = false
    let frame = 0
    let starts: Start[] = []
    let presses: Press[] = []
    // The channel and the database have no common order: what was read may be told afterwards.
    const known = new Set<string>()
    const isNew = (key: string) => {
      const size = known.size
      return known.add(key).size > size
    }
    const flush = () => {
      frame = 0
      const more: Evidence = { starts, presses }
      starts = []
      presses = []
      setKnown((now) => ({ ...now, evidence: both(now.evidence, more) }))
    }
    const soon = () => {
      if (isRead && frame === 0) frame = requestAnimationFrame(flush)
    }
    const off = onEvidence((change) => {
      if (change.type === 'start' && change.start.runId === runId && isNew(keyOf(change.start)))
        starts.push(change.start)
      if (change.type === 'press' && change.press.runId === runId && isNew(keyOf(change.press)))
        presses.push(change.press)
      soon()
    })
    readEvidence(runId).then((evidence) => {
      if (!wanted) return
      isRead = true
      // What was told during the read may be in it.
      const read = new Set([...evidence.starts, ...evidence.presses].map(keyOf))
      for (const key of read) known.add(key)
      starts = starts.filter((start) => !read.has(keyOf(start)))
      presses = presses.filter((press) => !read.has(keyOf(press)))
      setKnown({ runId, evidence })
      soon()
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
export function useControls(): [Controls, (name: keyof Controls, value: boolean) => void] {
  const [controls, setControls] = useState(DEFAULTS)
  useEffect(() => {
    let wanted = true
    const read = () => {
      readControls().then((now) => wanted && setControls(now), console.error)
    }
    const off = onEvidence((change) => {
      if (change.type === 'controls') setControls(change.controls)
      // A start has taken the failure that was asked for.
      else if (change.type === 'start')
        setControls((now) => (now.failNext ? { ...now, failNext: false } : now))
    })
    read()
    return () => {
      wanted = false
      off()
    }
  }, [])
  // Shown at once: a switch that waits for a database feels broken.
  const set = useCallback((name: keyof Controls, value: boolean) => {
    setControls((now) => ({ ...now, [name]: value }))
    setControl(name, value).catch(console.error)
  }, [])
  return [controls, set]
}
