import { type StepwellStatus, useStepwell, useStepwellStatus } from '@stepwell/react'
import { type Change, useLastChange } from '../changes.ts'
import { useAction } from '../useAction.ts'
import { duration, listed, plural, size } from '../words.ts'

const CHANGES: Readonly<Record<Change['kind'], string>> = {
  'took-over': 'until this tab had taken over',
  'other-took-over': 'until another tab had taken over',
  restarted: 'until the engine ran again, in this tab',
}

/** Which tab runs the engine, where the data lies, and what to try with a second tab. */
export function TabsPanel() {
  const status = useStepwellStatus()
  const change = useLastChange()
  return (
    <section className="card" aria-labelledby="tabs-title">
      <div className="card-head">
        <h2 id="tabs-title">This tab and the others</h2>
        <a className="button quiet" href={location.href} target="_blank" rel="noopener">
          Open a second tab
        </a>
      </div>
      <div className="tabs-role" role="status">
        <p
          className={`role is-${status.state === 'ready' ? status.role : 'none'}`}
          data-testid="role"
        >
          {roleOf(status)}
        </p>
        <p className="aside">{explained(status)}</p>
      </div>
      <dl className="standing">
        <div>
          <dt>Last hand-over</dt>
          <dd data-testid="last-change">
            {change === null
              ? 'none since this page was loaded'
              : `${duration(change.ms)} ${CHANGES[change.kind]}`}
          </dd>
        </div>
        <div>
          <dt>Epoch</dt>
          <dd>
            <span data-testid="epoch">{status.epoch ?? '–'}</span>
            <span className="aside"> · how often an engine has opened this database</span>
          </dd>
        </div>
        <Storage status={status} />
        <Obstacles status={status} />
      </dl>
      <p className="hint">
        Open a second tab and use both: start, cancel and drop files in either. Then close the one
        that leads (● in its title). The other goes on with the batch that was at work.
      </p>
    </section>
  )
}

function roleOf({ state, role }: StepwellStatus): string {
  if (state === 'ready') return role === 'leader' ? 'This tab leads' : 'This tab follows'
  return state === 'connecting' ? 'No tab leads just now' : 'This tab is cut off'
}

function explained({ state, role }: StepwellStatus): string {
  if (state === 'connecting') return 'What is asked meanwhile is kept.'
  if (state !== 'ready') return 'The note at the top says why.'
  return role === 'leader'
    ? 'The engine and the jobs run here, for all tabs.'
    : 'The engine and the jobs run in another tab. This one can do all the same, and takes over when that one goes.'
}

function Storage({ status: { storage, quota } }: { status: StepwellStatus }) {
  const stepwell = useStepwell()
  const [asked, act] = useAction()
  // In a click: some browsers ask the visitor.
  const persist = () =>
    act(async () => {
      const isKept = await stepwell.persist()
      return isKept
        ? 'The browser will keep it.'
        : 'The browser declined for now. It may agree when this site is used more, or bookmarked.'
    })
  return (
    <>
      <div>
        <dt>Storage</dt>
        <dd>
          <span data-testid="storage">{storage}</span>
          {storage === 'best-effort' && (
            <>
              <span className="aside">: the browser may delete it to make room </span>
              <button
                type="button"
                className="quiet"
                disabled={asked.kind === 'busy'}
                onClick={persist}
              >
                Ask to keep it
              </button>
            </>
          )}
          <span role="status">
            {'text' in asked && (
              <span className={asked.kind === 'failed' ? 'fact-problem' : 'aside'}>
                {' '}
                {asked.text}
              </span>
            )}
          </span>
        </dd>
      </div>
      {quota !== null && (
        <div>
          <dt>Room</dt>
          <dd className="room">
            <progress aria-label="Room used" value={quota.usage} max={quota.quota} />
            <span data-testid="quota">
              {size(quota.usage)} of {size(quota.quota)}
            </span>
          </dd>
        </div>
      )}
    </>
  )
}

/** What is there only when something is wrong. */
function Obstacles({ status: { paused, unservedJobs, loss } }: { status: StepwellStatus }) {
  return (
    <>
      {paused !== null && (
        <div>
          <dt>Paused</dt>
          <dd className="fact-problem">{paused.message}</dd>
        </div>
      )}
      {unservedJobs.length > 0 && (
        <div>
          <dt>Not served</dt>
          <dd className="fact-problem">
            {plural(unservedJobs.length, 'job')} that the leading tab’s code does not have:{' '}
            {listed(unservedJobs)}. A tab that has them takes over.
          </dd>
        </div>
      )}
      {loss !== null && (
        <div>
          <dt>Lost</dt>
          <dd className="fact-problem">{loss.message}</dd>
        </div>
      )}
    </>
  )
}
