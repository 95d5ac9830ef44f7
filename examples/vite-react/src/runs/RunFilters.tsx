import { runsHref, type Words } from '../route.ts'
import { CHOICES, isFiltered } from './filter.ts'

/** The filter lives in the address: a choice here goes there, and comes back as `words`. */
export function RunFilters({ words }: { words: Words }) {
  return (
    <search className="filters" aria-label="Filter the runs">
      {CHOICES.map(({ key, name, values, otherwise = 'any' }) => (
        <label key={key}>
          <span>{name}</span>
          <select
            value={words[key] ?? ''}
            onChange={(event) => {
              location.hash = runsHref({ ...words, [key]: event.target.value })
            }}
          >
            <option value="">{otherwise}</option>
            {values.map((value) => (
              <option key={value}>{value}</option>
            ))}
          </select>
        </label>
      ))}
      {isFiltered(words) && <a href={runsHref({})}>Show all</a>}
    </search>
  )
}
