import type { ChildView } from '@stepwell/react'
import { memo } from 'react'
import { runHref } from '../route.ts'
import { plural } from '../words.ts'

/** A run and the runs that it invoked: a cell each, which fills in when its run ends. */
export function ChildGrid({ children }: { children: readonly ChildView[] }) {
  const count = (...statuses: ChildView['status'][]) =>
    children.filter(({ status }) => statuses.includes(status)).length
  const [active, bad] = [count('running', 'waiting'), count('failed', 'cancelled')]
  const summary = [
    `${count('completed')} of ${plural(children.length, 'child run')} done`,
    ...(active > 0 ? [`${active} at work`] : []),
    ...(bad > 0 ? [`${bad} failed or cancelled`] : []),
  ].join(', ')
  return (
    <div className="tree">
      <p className="tree-root" data-testid="children">
        {summary}
      </p>
      <ol className="cells">
        {children.map((child) => (
          <Cell key={child.runId} child={child} />
        ))}
      </ol>
    </div>
  )
}

/** A child keeps its object until it changes: of fifty cells only those of such children render again. */
const Cell = memo(function Cell({ child }: { child: ChildView }) {
  const { runId, jobName, index, status } = child
  const words = `${jobName} ${index}: ${status}`
  return (
    <li>
      <a href={runHref(runId)} className={`cell is-${status}`} title={words}>
        <span className="visually-hidden">{words}</span>
      </a>
    </li>
  )
})
