import { useCallback, useState } from 'react'

/** What became of the last thing that the visitor asked for, in words. */
export type Outcome =
  | { readonly kind: 'none' | 'busy' }
  | { readonly kind: 'done' | 'failed'; readonly text: string }

/** Does one thing that may fail: `act` takes the work, which returns what there is to say when it is done. */
export function useAction(): readonly [Outcome, (work: () => Promise<string>) => void] {
  const [outcome, setOutcome] = useState<Outcome>({ kind: 'none' })
  const act = useCallback((work: () => Promise<string>) => {
    setOutcome({ kind: 'busy' })
    work().then(
      (text) => setOutcome({ kind: 'done', text }),
      (error: Error) => setOutcome({ kind: 'failed', text: error.message }),
    )
  }, [])
  return [outcome, act]
}
