/** What shape checks are made of. Messages of any form may come over a line; what is checked is what is used. */
export type Fields = Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object'>>

export function isListOf(
  data: object,
  key: string,
  isItem: (item: unknown) => boolean,
  lengthMax = Number.POSITIVE_INFINITY,
): boolean {
  const list: unknown = Reflect.get(data, key)
  return Array.isArray(list) && list.length <= lengthMax && list.every(isItem)
}

export function isTextUpTo(value: unknown, lengthMax: number): boolean {
  return typeof value === 'string' && value.length <= lengthMax
}

export function isPayload(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function hasFields(item: object, fields: Fields): boolean {
  return Object.entries(fields).every(([key, type]) => typeof Reflect.get(item, key) === type)
}

export function isObject(data: unknown): data is object {
  return typeof data === 'object' && data !== null
}
