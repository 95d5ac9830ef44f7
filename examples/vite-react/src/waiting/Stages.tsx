import type { ChildView, RunView } from '@stepwell/react'
import { PARTS } from '../bulletin.ts'
import type { bulletin } from '../jobs.ts'
import { Approval } from './Approval.tsx'
import { AttemptList } from './AttemptList.tsx'
import { ChildGrid } from './ChildGrid.tsx'
import { SleepBar } from './SleepBar.tsx'
import { StageCard } from './StageCard.tsx'
import { type Stage, type StageName, stagesOf } from './stages.ts'
import { useAttempts } from './useAttempts.ts'

interface Props {
  view: RunView<typeof bulletin>
  runId: string | null
}

const TITLES: Record<StageName, { readonly title: string; readonly call: string }> = {
  count: { title: 'Fifty runs of its own', call: 'step.invokeAll' },
  embargo: { title: 'A time', call: 'step.sleep' },
  approval: { title: 'Your word', call: 'step.waitForSignal' },
  publish: { title: 'Its next attempt', call: 'retry' },
}

/** The four waits in their order, each as it stands. */
export function Stages({ view, runId }: Props) {
  return (
    <section className="card" aria-labelledby="stages-title">
      <h2 id="stages-title">What it waits for</h2>
      <ol className="stages">
        {stagesOf(view).map((stage, i) => (
          <StageCard key={stage.name} stage={stage} number={i + 1} {...TITLES[stage.name]}>
            <StageBody stage={stage} view={view} runId={runId} />
          </StageCard>
        ))}
      </ol>
    </section>
  )
}

function StageBody({ stage, view, runId }: Props & { stage: Stage }) {
  switch (stage.name) {
    case 'count':
      return <Counting cells={view.children} />
    case 'embargo':
      return <Embargo stage={stage} />
    case 'approval':
      return <Asking stage={stage} view={view} />
    case 'publish':
      return <Publishing stage={stage} runId={runId} />
  }
}

/** Empty cells before there are children: so that nothing jumps when they come. */
function Counting({ cells }: { cells: readonly ChildView[] }) {
  if (cells.length > 0) return <ChildGrid>{cells}</ChildGrid>
  return (
    <div className="tree">
      <p className="tree-root">Each will count a fiftieth of the flights.</p>
      <ol className="cells" aria-hidden="true">
        {PARTS.map((part) => (
          <li key={part}>
            <span className="cell" />
          </li>
        ))}
      </ol>
    </div>
  )
}

function Embargo({ stage: { state, step } }: { stage: Stage }) {
  if (state === 'now' && step?.waitingFor?.kind === 'sleep') {
    return <SleepBar from={step.startedAt} until={step.waitingFor.until} />
  }
  return <p className="aside">Ten seconds, whether or not this page is open.</p>
}

function Asking({ stage: { state, step }, view }: { stage: Stage; view: Props['view'] }) {
  if (state === 'now' && step?.waitingFor?.kind === 'signal') {
    return <Approval signalKey={step.waitingFor.key} />
  }
  if (state === 'done') {
    const isTurnedDown = view.status === 'completed' && !view.output.isPublished
    return <p className="aside">{isTurnedDown ? 'It was turned down.' : 'You approved it.'}</p>
  }
  return (
    <p className="aside">
      By a button here, or in any other tab. It waits for as long as it takes.
    </p>
  )
}

function Publishing({ stage: { step }, runId }: { stage: Stage; runId: string | null }) {
  const attempts = useAttempts(runId, step === undefined ? NO_STEPS : [step])
  if (step === undefined) {
    return <p className="aside">The line is busy twice: tried again after 2 s, then after 4 s.</p>
  }
  return <AttemptList step={step} attempts={attempts.get(step.name) ?? []} />
}

const NO_STEPS: readonly never[] = []
