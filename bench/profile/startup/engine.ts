/** The engine's worker as it is, which also says how far it is. */
import './engine-marks.js'
import '@stepwell/core/engine-worker'
