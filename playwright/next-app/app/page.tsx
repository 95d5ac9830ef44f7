// Rendered on the server, with the panel in it: what the panel imports must load there.
import { Panel } from './panel'

export default function Page() {
  return (
    <main>
      <h1>Packed</h1>
      <Panel />
    </main>
  )
}
