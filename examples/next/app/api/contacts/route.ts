/** The API that contacts are sent to. It is honest about its limits: 429 with `Retry-After`, 503, 400. */
import { emptyBook, readBook, setOpen, take } from '../../../lib/address-book'
import { contactSchema } from '../../../lib/contact'

export function GET(): Response {
  return Response.json(readBook())
}

export async function POST(request: Request): Promise<Response> {
  const contact = contactSchema.safeParse(await request.json())
  const key = request.headers.get('idempotency-key')
  if (!contact.success || key === null) return new Response('No contact.', { status: 400 })
  const taken = take(contact.data, key)
  if ('outcome' in taken) return Response.json(taken)
  if (taken.refused === 'closed') return new Response('Closed.', { status: 503 })
  return new Response('Too fast.', { status: 429, headers: { 'retry-after': '1' } })
}

/** The switch of the page: whether the API takes contacts. */
export async function PUT(request: Request): Promise<Response> {
  setOpen((await request.json()) === true)
  return Response.json(readBook())
}

export function DELETE(): Response {
  emptyBook()
  return Response.json(readBook())
}
