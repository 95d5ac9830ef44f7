/** The server's address book, in the memory of its process: put your database here. */
import type { Book, Contact } from './contact'

/** So many requests at once, and so many more each second. */
const RATE = 20
const SHOWN = 8

interface State {
  readonly contacts: Map<string, Contact>
  /** What was answered under each idempotency key. */
  readonly answers: Map<string, Outcome>
  repeats: number
  refusals: number
  isOpen: boolean
  allowance: number
  filledAt: number
}
export type Outcome = 'added' | 'updated'
export type Taken = { readonly outcome: Outcome } | { readonly refused: 'busy' | 'closed' }

declare global {
  // On the global object, since Next.js may load this module more than once.
  var addressBook: State | undefined
}

function state(): State {
  globalThis.addressBook ??= {
    contacts: new Map(),
    answers: new Map(),
    repeats: 0,
    refusals: 0,
    isOpen: true,
    allowance: RATE,
    filledAt: Date.now(),
  }
  return globalThis.addressBook
}

/** The same key again changes nothing, and gets the answer of the first time. */
export function take(contact: Contact, key: string): Taken {
  const book = state()
  const refused = !book.isOpen ? 'closed' : isAllowed(book) ? null : 'busy'
  if (refused !== null) {
    book.refusals += 1
    return { refused }
  }
  const before = book.answers.get(key)
  if (before !== undefined) {
    book.repeats += 1
    return { outcome: before }
  }
  const outcome = book.contacts.delete(contact.email) ? 'updated' : 'added'
  book.contacts.set(contact.email, contact)
  book.answers.set(key, outcome)
  return { outcome }
}

function isAllowed(book: State): boolean {
  const now = Date.now()
  book.allowance = Math.min(RATE, book.allowance + ((now - book.filledAt) / 1000) * RATE)
  book.filledAt = now
  if (book.allowance < 1) return false
  book.allowance -= 1
  return true
}

export function readBook(): Book {
  const { contacts, repeats, refusals, isOpen } = state()
  const newest = [...contacts.values()].slice(-SHOWN).reverse()
  return { count: contacts.size, contacts: newest, repeats, refusals, isOpen }
}

export function setOpen(isOpen: boolean): void {
  state().isOpen = isOpen
}

export function emptyBook(): void {
  globalThis.addressBook = undefined
}
