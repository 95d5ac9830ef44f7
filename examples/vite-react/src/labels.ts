/** The labels that this demo gives to its runs, so that they can be found by them. Page and worker share it. */
export const LABELS = {
  /** Who started it. */
  source: ['button', 'csv', 'batch', 'bulletin'],
  /** Of the hour that a report is about. */
  daypart: ['night', 'morning', 'afternoon', 'evening'],
} as const

export type Daypart = (typeof LABELS.daypart)[number]

export function daypartOf(hour: number): Daypart {
  if (hour < 6) return 'night'
  if (hour < 12) return 'morning'
  return hour < 18 ? 'afternoon' : 'evening'
}
