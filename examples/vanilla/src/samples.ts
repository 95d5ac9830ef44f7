/** Pictures for visitors who have none at hand: hills at some hour of the day, 3000 × 2000. */

const WIDTH = 3000
const HEIGHT = 2000
const HILLS = 6

export function samplePictures(count: number): Promise<File[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => hills(i, count)))
}

async function hills(index: number, count: number): Promise<File> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('This browser gives no canvas.')
  const hue = 360 * (index / count) + 170
  const sky = context.createLinearGradient(0, 0, 0, HEIGHT)
  sky.addColorStop(0, `hsl(${hue + 40} 60% 62%)`)
  sky.addColorStop(1, `hsl(${hue} 75% 92%)`)
  context.fillStyle = sky
  context.fillRect(0, 0, WIDTH, HEIGHT)
  context.fillStyle = `hsl(${hue + 20} 90% 96%)`
  context.beginPath()
  context.arc(WIDTH * (0.15 + (0.7 * index) / count), HEIGHT * 0.3, 170, 0, Math.PI * 2)
  context.fill()
  for (let hill = 0; hill < HILLS; hill++) {
    context.fillStyle = `hsl(${hue - 8 * hill} 45% ${70 - 10 * hill}%)`
    context.beginPath()
    context.moveTo(0, HEIGHT)
    for (let x = 0; x <= WIDTH; x += 10) {
      const slow = Math.sin(x / (420 - 30 * hill) + index * 1.7 + hill * 2.3)
      const quick = Math.sin(x / 130 + index + hill)
      context.lineTo(x, HEIGHT * (0.42 + 0.1 * hill) - 130 * slow - 30 * quick)
    }
    context.lineTo(WIDTH, HEIGHT)
    context.fill()
  }
  const picture = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.95 })
  return new File([picture], `hills-${index + 1}.jpg`, { type: picture.type })
}
