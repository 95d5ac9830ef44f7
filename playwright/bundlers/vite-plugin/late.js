export const identity = (n) => n
