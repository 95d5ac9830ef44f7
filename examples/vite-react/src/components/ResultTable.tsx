import type { RunView } from '@stepwell/react'
import type { importMovies } from '../jobs.ts'
import { repairCount, type Summary } from '../summary.ts'
import { count, money } from '../words.ts'

export function ResultTable({ view }: { view: RunView<typeof importMovies> }) {
  return (
    <section className="card" aria-labelledby="result-title">
      <h2 id="result-title">Result</h2>
      {view.status === 'completed' ? (
        <Table summary={view.output} by={view.run.input.groupBy} />
      ) : (
        <p className="empty">The table stands here when the last batch is in.</p>
      )}
    </section>
  )
}

function Table({ summary, by }: { summary: Summary; by: 'genre' | 'decade' }) {
  const groups = Object.entries(summary.groups).sort(([a, x], [b, y]) =>
    by === 'decade' ? a.localeCompare(b) : y.gross - x.gross,
  )
  const highest = Math.max(...groups.map(([, group]) => group.gross))
  return (
    <>
      <p className="summary">
        {count(summary.films)} films, {count(repairCount(summary))} values mended:{' '}
        {summary.repairs.genre} without a genre, {summary.repairs.century} in the wrong century,{' '}
        {summary.repairs.title} with a number or nothing for a title.
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls on a narrow screen, and must do so by keyboard, too */}
      <section className="table-box" aria-label="Result table" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{by === 'genre' ? 'Genre' : 'Decade'}</th>
              <th scope="col" className="number">
                Films
              </th>
              <th scope="col" className="number">
                Gross
              </th>
              <th scope="col" className="number">
                Rating
              </th>
              <th scope="col">Best rated</th>
            </tr>
          </thead>
          <tbody>
            {groups.map(([name, group]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="number">{count(group.films)}</td>
                <td className="number bar">
                  <span
                    className="bar-fill"
                    style={{ width: `${(100 * group.gross) / highest}%` }}
                  />
                  <span className="bar-text">{money(group.gross)}</span>
                </td>
                <td className="number">
                  {group.rated === 0 ? '–' : (group.ratingSum / group.rated).toFixed(1)}
                </td>
                <td className="best">
                  {group.best === null ? '–' : `${group.best.title} (${group.best.year})`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}
