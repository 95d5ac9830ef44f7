/** What a row of a CSV file must have to become a contact, for the browser and the server. */
import { z } from 'zod'

export const contactSchema = z.object({
  name: z.string().trim().min(1, 'the name is missing'),
  email: z.email('the e-mail address is not valid').trim().toLowerCase(),
  city: z.string().trim().default(''),
})
export type Contact = z.infer<typeof contactSchema>

/** What `GET /api/contacts` answers. */
export const bookSchema = z.object({
  count: z.number(),
  /** The newest ones. */
  contacts: z.array(contactSchema),
  /** Contacts that were sent a second time under the same key, and not taken a second time. */
  repeats: z.number(),
  /** Requests that were told to come back later. */
  refusals: z.number(),
  isOpen: z.boolean(),
})
export type Book = z.infer<typeof bookSchema>
