// As jobs should import what is large: the worker gets it when a step wants it.
export const load = async (n) => (await import('./late.js')).identity(n)
