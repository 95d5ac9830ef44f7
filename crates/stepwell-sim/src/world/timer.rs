//! The host's one timer.

use stepwell_engine::wait_ms;
use stepwell_protocol::Input;

use super::{Event, World};
use crate::properties::{ensure, liveness};

/// The timer must not call more often than this in so long: the engine spins.
const WAKES_MAX: u32 = 30;
const WAKES_WINDOW_MS: i64 = 100;

impl World {
    /// A timer that was set for less than the engine asked for: set again, without a batch. No event of its own, for a
    /// year has half a million of them.
    pub(super) fn is_early(&mut self, event: &Event) -> bool {
        let Event::Wake { host: id, token } = *event else {
            return false;
        };
        let (wall, monotonic) = (self.wall_ms(), self.monotonic_ms());
        let here = self.host.iter_mut();
        let mut all = here.chain(self.away.iter_mut().flatten());
        let Some(host) = all.find(|host| host.id == id && host.wake_token == token) else {
            return true;
        };
        let now = host.clock.observe(wall, monotonic).now;
        if host.wake_at.is_none_or(|at| at <= now) {
            return false;
        }
        if let Some(wait) = wait_ms(host.wake_at, now) {
            self.after(i64::from(wait), Event::Wake { host: id, token });
        }
        true
    }

    pub(super) fn wake(&mut self, host: u64, token: u64) {
        let is_due = self
            .host
            .as_ref()
            .is_some_and(|current| current.id == host && current.wake_token == token);
        if is_due {
            if self.now - self.wakes.0 > WAKES_WINDOW_MS {
                self.wakes = (self.now, 0);
            }
            self.wakes.1 += 1;
            let verdict = ensure(self.wakes.1 <= WAKES_MAX, || {
                format!("the timer calls more than {WAKES_MAX} times in {WAKES_WINDOW_MS} ms")
            });
            self.judge(liveness::NAME, verdict);
            self.post_to_engine(host, Input::Tick);
        }
    }
}
