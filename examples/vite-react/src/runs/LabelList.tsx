import { runsHref, type Words } from '../route.ts'

interface Props {
  labels: Readonly<Record<string, string>>
  /** What the table is filtered by already. */
  words?: Words
}

/** Each label leads to the runs that have it. */
export function LabelList({ labels, words = {} }: Props) {
  const entries = Object.entries(labels)
  if (entries.length === 0) return null
  return (
    <ul className="labels" aria-label="Labels">
      {entries.map(([key, value]) => (
        <li key={key}>
          <a href={runsHref({ ...words, [key]: value })}>
            <span>{key}: </span>
            <b>{value}</b>
          </a>
        </li>
      ))}
    </ul>
  )
}
