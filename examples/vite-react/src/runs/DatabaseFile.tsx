import { isStepwellError } from '@stepwell/core'
import { useStepwell, useStepwellStatus } from '@stepwell/react'
import { useState } from 'react'
import { useAction } from '../useAction.ts'
import { size } from '../words.ts'
import { ActionButton } from './ActionButton.tsx'
import { ConfirmDialog } from './ConfirmDialog.tsx'
import { download } from './download.ts'
import { OutcomeText } from './OutcomeText.tsx'

const NAME = 'stepwell-flights.sqlite3'

/** The database as a file: for a backup, for a bug report, or to look into it with `sqlite3`. */
export function DatabaseFile() {
  const stepwell = useStepwell()
  const { state } = useStepwellStatus()
  const [outcome, act] = useAction()
  const [chosen, setChosen] = useState<File | null>(null)
  const isDisabled = state !== 'ready'

  const exportFile = () =>
    act(async () => {
      const bytes = await stepwell.exportDatabase({ blobs: true })
      download(new Blob([bytes], { type: 'application/vnd.sqlite3' }), NAME)
      return `${NAME}, ${size(bytes.byteLength)}.`
    })
  const importFile = (file: File) =>
    act(async () => {
      // Checked before it replaces anything; runs that had not ended go on at once.
      await stepwell.importDatabase(file).catch((error: unknown) => {
        if (!isStepwellError(error, 'storage_corrupt')) throw error
        throw new Error(`“${file.name}” is no export of Stepwell, or is damaged. Nothing changed.`)
      })
      return `The runs of “${file.name}” are here.`
    })
  return (
    <section className="card" aria-labelledby="file-title">
      <h2 id="file-title">Take it along</h2>
      <p className="aside">
        All of it, dropped files included, is one SQLite file that <code>sqlite3</code> opens. Runs
        that have not ended go on where it is imported.
      </p>
      <div className="actions">
        <ActionButton disabled={isDisabled} isBusy={outcome.kind === 'busy'} onClick={exportFile}>
          Export
        </ActionButton>
        <label className={`button ${isDisabled ? 'is-disabled' : ''}`}>
          Import…
          <input
            type="file"
            className="visually-hidden"
            accept=".sqlite3,.sqlite,.db"
            disabled={isDisabled}
            onChange={({ target }) => {
              setChosen(target.files?.[0] ?? null)
              // The same file may be chosen again.
              target.value = ''
            }}
          />
        </label>
      </div>
      <OutcomeText outcome={outcome} />
      {chosen !== null && (
        <ConfirmDialog
          question={`Replace everything by “${chosen.name}”?`}
          note="The runs that are here now will be gone. Export them first, if you want them back."
          yes="Replace"
          onAnswer={(isYes) => {
            setChosen(null)
            if (isYes) importFile(chosen)
          }}
        />
      )}
    </section>
  )
}
