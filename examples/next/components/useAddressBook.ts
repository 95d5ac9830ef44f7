import { useCallback, useEffect, useRef, useState } from 'react'
import { type Book, bookSchema } from '../lib/contact'

export type Change =
  | { readonly method: 'PUT'; readonly isOpen: boolean }
  | { readonly method: 'DELETE' }

async function ask(init: RequestInit): Promise<Book> {
  const response = await fetch('/api/contacts', init)
  return bookSchema.parse(await response.json())
}

/** The server's address book, read again when `moment` is another one. */
export function useAddressBook(initial: Book, moment: string) {
  const [book, setBook] = useState(initial)
  /** Rises when a change is asked for, and when it is answered: what was asked for before it is out of date. */
  const age = useRef(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: the moment is when to ask, not what for
  useEffect(() => {
    const aborter = new AbortController()
    const asked = age.current
    const show = (book: Book) => {
      if (asked === age.current) setBook(book)
    }
    // What is not answered is asked again at the next moment.
    ask({ signal: aborter.signal }).then(show, () => undefined)
    return () => aborter.abort()
  }, [moment])

  const change = useCallback(async (what: Change) => {
    age.current += 1
    const asked = age.current
    // The switch moves at once.
    if (what.method === 'PUT') setBook((book) => ({ ...book, isOpen: what.isOpen }))
    const body = what.method === 'PUT' ? JSON.stringify(what.isOpen) : null
    const answer = await ask({ method: what.method, body })
    if (asked !== age.current) return
    age.current += 1
    setBook(answer)
  }, [])
  return { book, change }
}
