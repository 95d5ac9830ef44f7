'use client'
import { type RegisteredClient, useClient } from './context.js'

/** The client of the provider above. */
export function useStepwell(): RegisteredClient {
  return useClient('useStepwell()')
}
