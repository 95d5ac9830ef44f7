import { memo, useDeferredValue, useMemo } from 'react'
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'
import { totalOf } from '../histogram.ts'
import { roundTicks } from '../ticks.ts'
import type { Committed } from '../useCommitted.ts'
import { count, hours } from '../words.ts'

const LABELLED_HOURS = [0, 3, 6, 9, 12, 15, 18, 21]
const HOURS = Array.from({ length: 24 }, (_, hour) => hour)

/** The sum of what is in the database, and of nothing else: therefore it stands again after a reload. */
export function DelayChart({ committed }: { committed: Committed }) {
  const { flights, late, minutes } = totalOf(committed.histogram)
  const shown = useDeferredValue(committed)
  return (
    <section className="card" aria-labelledby="chart-title">
      <div className="card-head">
        <h2 id="chart-title">Hours lost to delays, by hour of departure</h2>
        <p className="aside" data-testid="chart-total">
          {count(flights)} flights, {count(late)} late, {count(minutes)} minutes lost
        </p>
      </div>
      <Bars committed={shown} />
      <TextTable committed={committed} />
    </section>
  )
}

const Bars = memo(function Bars({ committed }: { committed: Committed }) {
  const data = useMemo(() => {
    const byHour = new Map(committed.histogram.map((bucket) => [bucket.hour, bucket]))
    return HOURS.map((hour) => {
      const { flights, late, minutes } = byHour.get(hour) ?? { flights: 0, late: 0, minutes: 0 }
      return { hour, flights, late, lost: Math.round(minutes / 6) / 10 }
    })
  }, [committed])
  const most = Math.max(1, ...data.map(({ lost }) => lost))
  const ticks = roundTicks([0, most * 1.25], 5)
  const top = Math.max(most, ticks.at(-1) ?? 0)
  return (
    <div className="chart">
      <ResponsiveContainer width="100%" height={220}>
        <BarChart
          data={data}
          margin={{ top: 8, right: 4, bottom: 0, left: 0 }}
          barCategoryGap="18%"
          title="Hours lost to delays, by hour of departure"
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="hour"
            ticks={LABELLED_HOURS}
            interval={0}
            tickLine={false}
            stroke="var(--soft)"
          />
          <YAxis
            width={64}
            tickLine={false}
            axisLine={false}
            stroke="var(--soft)"
            tickFormatter={(lost: number) => `${count(lost)} h`}
            domain={[0, top]}
            ticks={ticks}
          />
          <Tooltip
            cursor={{ fill: 'var(--tint)' }}
            contentStyle={{
              background: 'var(--card)',
              borderColor: 'var(--line)',
              borderRadius: 8,
            }}
            itemStyle={{ color: 'var(--ink)' }}
            labelFormatter={(hour) => hours(Number(hour))}
            formatter={(lost) => [`${count(Number(lost))} hours`, 'Lost']}
          />
          <Bar
            dataKey="lost"
            fill="var(--accent)"
            radius={[3, 3, 0, 0]}
            // Animation would show values that nobody has committed.
            isAnimationActive={false}
          />
        </BarChart>
      </ResponsiveContainer>
    </div>
  )
})

function TextTable({ committed }: { committed: Committed }) {
  return (
    <details className="as-table">
      <summary>As a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">Departure</th>
            <th scope="col" className="number">
              Flights
            </th>
            <th scope="col" className="number">
              Late
            </th>
            <th scope="col" className="number">
              Minutes lost
            </th>
          </tr>
        </thead>
        <tbody>
          {committed.histogram.map(({ hour, flights, late, minutes }) => (
            <tr key={hour}>
              <th scope="row">{hours(hour)}</th>
              <td className="number">{count(flights)}</td>
              <td className="number">{count(late)}</td>
              <td className="number">{count(minutes)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}
