import { useCallback, useEffect, useState } from 'react'
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

  // biome-ignore lint/correctness/useExhaustiveDependencies: the moment is when to ask, not what for
  useEffect(() => {
    const aborter = new AbortController()
    // What is not answered is asked again at the next moment.
    ask({ signal: aborter.signal }).then(setBook, () => undefined)
    return () => aborter.abort()
  }, [moment])

  const change = useCallback(async (what: Change) => {
    // The switch moves at once.
    if (what.method === 'PUT') setBook((book) => ({ ...book, isOpen: what.isOpen }))
    const body = what.method === 'PUT' ? JSON.stringify(what.isOpen) : null
    setBook(await ask({ method: what.method, body }))
  }, [])
  return { book, change }
}
