import type { Step } from '@stepwell/react'
import { useDeferredValue, useMemo, useState } from 'react'
import {
  ReferenceLine,
  ResponsiveContainer,
  Scatter,
  ScatterChart,
  usePlotArea,
  useXAxisScale,
  XAxis,
  YAxis,
} from 'recharts'
import type { Counts } from '../counts.ts'
import { roundTicks } from '../ticks.ts'
import { duration, plural } from '../words.ts'

/** Neighbours lie in different lanes, so that each is seen however short it is. */
const LANES = 6
const CLOSE_UP_MS = 3_000

interface Props {
  steps: readonly Step[]
  counts: Counts
  startedAt: number | null
}

/** Each step where and as long as it was at work, to scale, by the engine's times. */
export function Timeline({ steps, counts, startedAt }: Props) {
  const [isCloseUp, setCloseUp] = useState(false)
  const from = startedAt ?? steps[0]?.startedAt ?? 0
  const failed = counts.lost.length - counts.repeated
  const summary = [
    plural(steps.length, 'step'),
    plural(counts.crashes.length, 'crash mark'),
    plural(failed, 'failed attempt'),
  ].join(', ')
  const shown = useDeferredValue(steps)
  return (
    <section className="card" aria-labelledby="timeline-title">
      <div className="card-head">
        <h2 id="timeline-title">Timeline</h2>
        <fieldset className="choice" aria-label="Part of the timeline">
          <Choice label="Whole run" checked={!isCloseUp} onChoose={() => setCloseUp(false)} />
          <Choice label="Last 3 s" checked={isCloseUp} onChoose={() => setCloseUp(true)} />
        </fieldset>
      </div>
      <div className="chart" role="img" aria-label={`Timeline: ${summary}`}>
        <Plot steps={shown} counts={counts} from={from} isCloseUp={isCloseUp} />
      </div>
      <ul className="legend">
        <li className="key-now">committed</li>
        <li className="key-earlier">committed before this page was loaded</li>
        <li className="key-again">at a later attempt</li>
        <li className="key-lost">failed, or cut off</li>
        <li className="key-crash">crash, numbered</li>
      </ul>
    </section>
  )
}

interface ChoiceProps {
  label: string
  checked: boolean
  onChoose: () => void
}

function Choice({ label, checked, onChoose }: ChoiceProps) {
  return (
    <label>
      <input type="radio" name="timeline" checked={checked} onChange={onChoose} />
      <span>{label}</span>
    </label>
  )
}

interface PlotProps {
  steps: readonly Step[]
  counts: Counts
  from: number
  isCloseUp: boolean
}

function Plot({ steps, counts, from, isCloseUp }: PlotProps) {
  const bars = useMemo(() => barsOf(steps, counts), [steps, counts])
  const end = bars.reduce((latest, bar) => Math.max(latest, bar.to), from + 1000)
  const start = isCloseUp ? Math.max(from, end - CLOSE_UP_MS) : from
  const domain: [number, number] = [start - from, end - from]
  const marks = counts.crashes.filter(({ at }) => at >= start)
  return (
    <ResponsiveContainer width="100%" height={150}>
      <ScatterChart margin={{ top: 20, right: 12, bottom: 0, left: 12 }} accessibilityLayer={false}>
        <XAxis
          type="number"
          dataKey="at"
          domain={domain}
          allowDataOverflow
          ticks={roundTicks(domain, 6)}
          tickLine={false}
          stroke="var(--soft)"
          tickFormatter={(ms: number) => duration(ms)}
        />
        <YAxis type="number" dataKey="lane" domain={[0, LANES]} hide />
        {/* The axis wants a series; what is seen is drawn below, in five paths instead of hundreds of elements. */}
        <Scatter
          data={domain.map((at) => ({ at, lane: 0 }))}
          shape={nothing}
          isAnimationActive={false}
        />
        <Bars bars={bars} from={from} start={start} />
        {marks.map(({ at }, i) => (
          <ReferenceLine
            key={at}
            x={at - from}
            stroke="var(--bad)"
            strokeWidth={1.5}
            label={{
              value: counts.crashes.length - marks.length + i + 1,
              position: 'top',
              fill: 'var(--bad)',
              fontSize: 12,
            }}
          />
        ))}
      </ScatterChart>
    </ResponsiveContainer>
  )
}

const nothing = () => <g />

type Kind = 'now' | 'earlier' | 'again' | 'lost' | 'running'

interface BarSpan {
  readonly kind: Kind
  readonly lane: number
  readonly from: number
  readonly to: number
}

const KINDS: readonly Kind[] = ['earlier', 'now', 'again', 'running', 'lost']
/** Of a bar that is shorter on the screen. */
const WIDTH_MIN = 1.5

function Bars({ bars, from, start }: { bars: readonly BarSpan[]; from: number; start: number }) {
  const scale = useXAxisScale()
  const area = usePlotArea()
  if (scale === undefined || area === undefined) return null
  const height = area.height / LANES
  const paths = new Map<Kind, string>()
  for (const bar of bars) {
    if (bar.to < start) continue
    const x = scale(Math.max(bar.from, start) - from)
    const end = scale(bar.to - from)
    if (x === undefined || end === undefined) continue
    const y = area.y + bar.lane * height + 1
    const path = `M${x} ${y}h${Math.max(end - x, WIDTH_MIN)}v${height - 2}h${-Math.max(end - x, WIDTH_MIN)}z`
    paths.set(bar.kind, (paths.get(bar.kind) ?? '') + path)
  }
  return KINDS.map((kind) => (
    <path key={kind} className={`span is-${kind}`} d={paths.get(kind) ?? ''} />
  ))
}

function barsOf(steps: readonly Step[], counts: Counts): BarSpan[] {
  const bars: BarSpan[] = steps.map((step) => ({
    kind: kindOf(step),
    lane: laneOf(Number(step.name.slice('batch-'.length))),
    from: step.startedAt,
    to: step.completedAt ?? step.startedAt,
  }))
  for (const { start, until, why } of counts.lost) {
    // Cut off: at the crash. Failed: nobody knows how long it took, and it takes no room.
    const crash = counts.crashes.find(({ at }) => at >= start.at && at <= until)
    const to = why === 'cut off' ? (crash?.at ?? start.at) : start.at
    bars.push({ kind: 'lost', lane: laneOf(start.batch), from: start.at, to })
  }
  return bars
}

const laneOf = (batch: number): number => batch % LANES

function kindOf({ status, attempt, completedAt }: Step): Kind {
  if (status === 'failed') return 'lost'
  if (completedAt === null) return 'running'
  if (attempt > 1) return 'again'
  return completedAt < performance.timeOrigin ? 'earlier' : 'now'
}
