import { useSignal } from '@stepwell/react'
import type { Vote } from '../bulletin.ts'

/** The visitor’s word, for the run that waits for this key. Any tab can give it, and once is enough. */
export function Approval({ signalKey }: { signalKey: string }) {
  const { send, isSending, disposition, error } = useSignal<Vote>(signalKey)
  const isSent = isSending || disposition !== null
  return (
    <div className="approval">
      <div className="actions">
        <button
          type="button"
          className="primary"
          disabled={isSent}
          onClick={() => send({ isApproved: true })}
        >
          Approve
        </button>
        <button type="button" disabled={isSent} onClick={() => send({ isApproved: false })}>
          Turn down
        </button>
      </div>
      <p className="aside">
        It sends a signal for the key <code>{signalKey}</code>
      </p>
      {error !== null && (
        <p className="problem" role="alert">
          {error.message}
        </p>
      )}
    </div>
  )
}
