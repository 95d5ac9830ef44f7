// Where hot updates stop, as a component does with React Refresh.
import { createElement as h } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.js'

const root = createRoot(document.getElementById('root'))
root.render(h(App))
import.meta.hot.accept('./app.js', (module) => root.render(h(module.App)))
