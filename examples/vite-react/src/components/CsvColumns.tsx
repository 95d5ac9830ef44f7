import type { Table } from '../csv.ts'
import { count, figure } from '../words.ts'

/** What the job returned: a line for each column of the file. */
export function CsvColumns({ name, table: { rows, columns } }: { name: string; table: Table }) {
  return (
    <>
      <p className="summary">
        {name}: {count(rows)} rows, {count(columns.length)} columns
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls on a narrow screen, and must do so by keyboard, too */}
      <section className="table-box" aria-label="Columns of the file" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col" className="number">
                Filled
              </th>
              <th scope="col" className="number">
                Mean
              </th>
              <th scope="col" className="number">
                Range
              </th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column, i) => (
              <tr key={i}>
                <th scope="row">{column.name}</th>
                <td className="number">{count(column.filled)}</td>
                <td className="number">
                  {column.numbers === 0 ? '–' : figure(column.sum / column.numbers)}
                </td>
                <td className="number">
                  {column.min === null || column.max === null
                    ? '–'
                    : `${figure(column.min)} … ${figure(column.max)}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  )
}
