import { useId, useLayoutEffect, useRef } from 'react'

interface Props {
  question: string
  note: string
  yes: string
  onAnswer: (isYes: boolean) => void
}

/** Asks before something that cannot be undone. The browser's own dialog: it holds the focus, and Escape means no. */
export function ConfirmDialog({ question, note, yes, onAnswer }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  // Before it leaves the document, so that the focus goes back to where it was.
  useLayoutEffect(() => {
    const shown = dialog.current
    shown?.showModal()
    return () => shown?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      className="confirm"
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault()
        onAnswer(false)
      }}
    >
      <h2 id={id}>{question}</h2>
      <p className="aside">{note}</p>
      <div className="actions">
        {/* The first has the focus. */}
        <button type="button" onClick={() => onAnswer(false)}>
          Keep what is here
        </button>
        <button type="button" className="danger" onClick={() => onAnswer(true)}>
          {yes}
        </button>
      </div>
    </dialog>
  )
}
