import { stepwell } from '@stepwell/core/vite'

export default { plugins: [stepwell()] }
