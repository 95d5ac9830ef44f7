/** How large a payload may be, Blobs and Files not counted. */
export const PAYLOAD_BYTES_DEFAULT = 4 * 1024 * 1024
/** A larger one would endanger the memory of the engine. */
export const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
