/** An engine worker in a browser that gives it no files, as private windows of some do. */
import './deny-opfs.js'
import '@stepwell/core/engine-worker'
