import type { Book } from '../lib/contact'
import type { Change } from './useAddressBook'

interface Props {
  book: Book
  change: (what: Change) => Promise<void>
}

/** What the server has: the other side's account of the imports. */
export function AddressBook({ book, change }: Props) {
  return (
    <section className="card" aria-labelledby="book-title">
      <div className="card-head">
        <h2 id="book-title">On the server</h2>
        <label className="switch">
          <input
            type="checkbox"
            checked={book.isOpen}
            onChange={({ target }) => void change({ method: 'PUT', isOpen: target.checked })}
          />
          The API is up
        </label>
      </div>
      <dl className="figures">
        <Figure name="Contacts" value={book.count} note="In the address book" />
        <Figure name="Pauses" value={book.refusals} note="Asked for: too fast, or down" />
        <Figure name="Repeats" value={book.repeats} note="Sent again, taken once" />
      </dl>
      {book.contacts.length === 0 ? (
        <p className="empty">The address book is empty.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Newest</th>
              <th scope="col">City</th>
            </tr>
          </thead>
          <tbody>
            {book.contacts.map(({ name, email, city }) => (
              <tr key={email}>
                <th scope="row">
                  {name}
                  <span className="email">{email}</span>
                </th>
                <td>{city}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className="actions">
        <button type="button" className="danger" onClick={() => void change({ method: 'DELETE' })}>
          Empty it
        </button>
      </div>
    </section>
  )
}

function Figure({ name, value, note }: { name: string; value: number; note: string }) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd className="figure-value">{value}</dd>
      <dd className="figure-note">{note}</dd>
    </div>
  )
}
