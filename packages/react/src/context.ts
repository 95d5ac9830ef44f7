'use client'
import type { AnyJob, Register, Stepwell } from '@stepwell/core'
import { createContext, useContext } from 'react'

/** The client that `Register` names; one of any jobs where nothing is registered. */
export type RegisteredClient = Register extends { readonly client: infer C } ? C : Stepwell<AnyJob>

export const ClientContext = createContext<RegisteredClient | null>(null)

/** The provider's client, for the hook of that name. */
export function useClient(hook: string): RegisteredClient {
  const client = useContext(ClientContext)
  if (client === null) {
    throw new Error(
      `${hook} was called outside a <StepwellProvider>. Put <StepwellProvider client={createStepwell({ jobs })}> ` +
        'around the component; create the client once, outside React.',
    )
  }
  return client
}
