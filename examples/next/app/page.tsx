import { Importer } from '../components/Importer'
import { readBook } from '../lib/address-book'

// The address book as it is at each request.
export const dynamic = 'force-dynamic'

/** A server component. The hooks of what it renders say `loading` here, and go on in the browser. */
export default function Page() {
  return <Importer book={readBook()} />
}
