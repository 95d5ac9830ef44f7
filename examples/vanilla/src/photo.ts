/** The work on one photo. Nothing of Stepwell in it. */
import { crc32, type ZipEntry } from './zip.ts'

const QUALITY = 0.82

/** `null`: it cannot be decoded. */
export async function shrinkPhoto(
  photo: File,
  edge: number,
  type: string,
): Promise<ZipEntry | null> {
  const picture = await createImageBitmap(photo).catch(() => null)
  if (picture === null) return null
  const scale = Math.min(1, edge / Math.max(picture.width, picture.height))
  const width = Math.max(1, Math.round(picture.width * scale))
  const height = Math.max(1, Math.round(picture.height * scale))
  const canvas = new OffscreenCanvas(width, height)
  const context = canvas.getContext('2d')
  if (context === null) throw new Error('This browser gives no canvas to a worker.')
  context.imageSmoothingQuality = 'high'
  context.drawImage(picture, 0, 0, width, height)
  picture.close()
  // A browser that cannot encode the type makes a PNG.
  const image = await canvas.convertToBlob({ type, quality: QUALITY })
  const stem = photo.name.replace(/\.[^.]*$/, '')
  return {
    name: `${stem}.${image.type.slice('image/'.length)}`,
    image,
    crc: crc32(new Uint8Array(await image.arrayBuffer())),
    modified: photo.lastModified,
  }
}
