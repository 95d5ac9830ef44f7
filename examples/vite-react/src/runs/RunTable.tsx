import { type RunsView, useStepwell } from '@stepwell/react'
import { useCallback, useRef } from 'react'
import type { Words } from '../route.ts'
import { useAction } from '../useAction.ts'
import { shortId } from '../words.ts'
import { OutcomeText } from './OutcomeText.tsx'
import { RunRow } from './RunRow.tsx'

interface Props {
  runs: RunsView['runs']
  words: Words
}

/** A row per run. What is done to one is told below: its row may be gone by then. */
export function RunTable({ runs, words }: Props) {
  const stepwell = useStepwell()
  const [outcome, act] = useAction()
  const box = useRef<HTMLElement>(null)

  const retrigger = useCallback(
    (runId: string) =>
      act(async () => {
        const { id } = await stepwell.retrigger(runId)
        return `Run ${shortId(id)} does again what ${shortId(runId)} did.`
      }),
    [stepwell, act],
  )
  const deleteRun = useCallback(
    (runId: string) =>
      act(async () => {
        await stepwell.deleteRun(runId)
        // The button that had the focus goes away with its row.
        box.current?.focus({ preventScroll: true })
        return `Run ${shortId(runId)} is deleted, with its steps and log.`
      }),
    [stepwell, act],
  )
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls on a narrow screen, and must do so by keyboard, too */}
      <section className="table-box" aria-label="Runs, newest first" tabIndex={0} ref={box}>
        <table className="run-table">
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col">Status</th>
              <th scope="col" className="run-when">
                Triggered
              </th>
              <th scope="col" className="number run-took">
                Took
              </th>
              <th scope="col">
                <span className="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <RunRow
                key={run.id}
                run={run}
                words={words}
                onRetrigger={retrigger}
                onDelete={deleteRun}
              />
            ))}
          </tbody>
        </table>
      </section>
      <OutcomeText outcome={outcome} />
    </>
  )
}
