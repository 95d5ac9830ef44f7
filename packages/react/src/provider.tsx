'use client'
import type { ReactNode } from 'react'
import { checkClient } from './check.js'
import { ClientContext, type RegisteredClient } from './context.js'

export interface StepwellProviderProps {
  /** Made once, outside React, by `createStepwell`. It connects when the first hook subscribes. */
  readonly client: RegisteredClient
  readonly children?: ReactNode
}

/** Gives a client to the hooks below it. Rendering it, on a server too, starts nothing. */
export function StepwellProvider({ client, children }: StepwellProviderProps): ReactNode {
  checkClient(client)
  return <ClientContext.Provider value={client}>{children}</ClientContext.Provider>
}
