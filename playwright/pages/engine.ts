/** An app's own engine worker. */
import '@stepwell/core/engine-worker'
