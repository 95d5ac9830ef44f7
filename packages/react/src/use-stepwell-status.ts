'use client'
import { observeStatus, type StepwellStatus } from '@stepwell/core'
import { useMemo } from 'react'
import { useClient } from './context.js'
import { useObserver } from './use-observer.js'

/** Where the engine runs, where the data lies, and what is wrong if something is. */
export function useStepwellStatus(): StepwellStatus {
  const client = useClient('useStepwellStatus()')
  return useObserver(useMemo(() => observeStatus(client), [client]))
}
