// What a step needs. The apps with the plugin for Vite have it imported dynamically.
export const load = (n) => n
