import { plural, size } from '../words.ts'

/** A CSV file or a long result is stored whole, and nobody reads all of it here. */
const CHARS_MAX = 4000

interface Props {
  title: string
  value: unknown
  empty: string
}

/** A stored value as its JSON. */
export function Value({ title, value, empty }: Props) {
  const id = `value-${title.toLowerCase()}`
  return (
    <section className="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {value === undefined ? (
        <p className="empty">{empty}</p>
      ) : (
        <Json value={value} label={title} />
      )}
    </section>
  )
}

export function Json({ value, label }: { value: unknown; label: string }) {
  const text = JSON.stringify(value, inWords, 2) ?? 'undefined'
  const rest = text.length - CHARS_MAX
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must do so by keyboard, too */}
      <section className="json" aria-label={`${label} as JSON`} tabIndex={0}>
        <pre>{rest > 0 ? `${text.slice(0, CHARS_MAX)}…` : text}</pre>
      </section>
      {rest > 0 && <p className="aside">And {plural(rest, 'character')} more.</p>}
    </>
  )
}

/** A file came back from beside the database as the file that it was; JSON has no word for one. */
const inWords = (_key: string, value: unknown): unknown =>
  value instanceof File ? `File “${value.name}”, ${size(value.size)}` : value
