//! The rules by which a host turns its two clocks into the `now` of [`crate::Engine::handle`], and `wake_at` into a
//! timer. Pure arithmetic: the host reads the clocks.
//!
//! Within a session time follows the monotonic clock and is re-based when the wall clock runs ahead of it (the machine
//! slept, or the clock was put right). A wall clock that is behind by more than [`STEP_BACK_MS_MAX`] wins too, and is
//! told; smaller steps back are absorbed, so that time stands still rather than going back.

use stepwell_protocol::TimestampMs;

/// Steps back of the wall clock up to this are absorbed.
pub const STEP_BACK_MS_MAX: i64 = 60_000;
/// The longest timer when something is due within a day: the clock may jump, and a timer does not notice.
pub const WAIT_MS_MAX_NEAR: i64 = 60_000;
/// The longest timer otherwise.
pub const WAIT_MS_MAX_FAR: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// The wall clock was found far behind, and time went back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockJump {
    /// The time before.
    pub from: TimestampMs,
    /// The time after.
    pub to: TimestampMs,
}

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The time.
    pub now: TimestampMs,
    /// Whether time went back.
    pub jump: Option<ClockJump>,
}

/// A session's time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base_wall_ms: i64,
    base_monotonic_ms: f64,
    last_ms: i64,
}

impl Clock {
    /// Starts at the wall clock.
    #[must_use]
    pub const fn new(wall_ms: i64, monotonic_ms: f64) -> Self {
        Self {
            base_wall_ms: wall_ms,
            base_monotonic_ms: monotonic_ms,
            last_ms: wall_ms,
        }
    }

    /// Reads the time from both clocks' readings.
    pub fn observe(&mut self, wall_ms: i64, monotonic_ms: f64) -> Observed {
        let elapsed_ms = (monotonic_ms - self.base_monotonic_ms).max(0.0);
        // Truncation is wanted: a fraction of a millisecond has not passed yet.
        #[allow(clippy::cast_possible_truncation)]
        let expected_ms = self.base_wall_ms + elapsed_ms as i64;
        let behind_ms = expected_ms.max(self.last_ms) - wall_ms;
        if behind_ms > STEP_BACK_MS_MAX {
            let from = TimestampMs(self.last_ms);
            *self = Self::new(wall_ms, monotonic_ms);
            return Observed {
                now: TimestampMs(wall_ms),
                jump: Some(ClockJump {
                    from,
                    to: TimestampMs(wall_ms),
                }),
            };
        }
        if wall_ms > expected_ms {
            self.base_wall_ms = wall_ms;
            self.base_monotonic_ms = monotonic_ms;
        }
        self.last_ms = expected_ms.max(wall_ms).max(self.last_ms);
        Observed {
            now: TimestampMs(self.last_ms),
            jump: None,
        }
    }
}

/// How long the host's one timer waits, in milliseconds; `None`: no timer. Always below 2^31, beyond which a browser's
/// timer fires at once.
#[must_use]
pub fn wait_ms(wake_at: Option<TimestampMs>, now: TimestampMs) -> Option<u32> {
    let due_in_ms = wake_at?.0.saturating_sub(now.0).max(0);
    let longest_ms = if due_in_ms <= DAY_MS {
        WAIT_MS_MAX_NEAR
    } else {
        WAIT_MS_MAX_FAR
    };
    u32::try_from(due_in_ms.min(longest_ms)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(clock: &mut Clock, wall_ms: i64, monotonic_ms: f64) -> i64 {
        clock.observe(wall_ms, monotonic_ms).now.0
    }

    #[test]
    fn follows_the_monotonic_clock_and_absorbs_small_steps_back() {
        let mut clock = Clock::new(1_000_000, 0.0);
        assert_eq!(now(&mut clock, 1_000_010, 10.0), 1_000_010);
        assert_eq!(
            now(&mut clock, 970_020, 20.0),
            1_000_020,
            "a wall clock 30 s behind is not followed"
        );
        assert_eq!(now(&mut clock, 970_020, 20.0), 1_000_020);
    }

    #[test]
    fn follows_a_forward_jump_at_once_and_keeps_it() {
        let mut clock = Clock::new(1_000_000, 0.0);
        assert_eq!(now(&mut clock, 9_000_000, 5.0), 9_000_000);
        assert_eq!(now(&mut clock, 9_000_001, 6.0), 9_000_001);
    }

    #[test]
    fn a_wall_clock_far_behind_wins_and_is_told() {
        let mut clock = Clock::new(1_000_000, 0.0);
        let observed = clock.observe(900_000, 10.0);
        assert_eq!(observed.now.0, 900_000);
        assert_eq!(
            observed.jump,
            Some(ClockJump {
                from: TimestampMs(1_000_000),
                to: TimestampMs(900_000)
            })
        );
        assert_eq!(now(&mut clock, 900_005, 15.0), 900_005);
    }

    #[test]
    fn never_runs_backwards_without_telling() {
        let mut clock = Clock::new(0, 0.0);
        let mut last = 0;
        for (wall, monotonic) in [
            (5, 1.0),
            (3, 2.0),
            (100, 3.0),
            (41, 50.0),
            (90, 51.5),
            (50_000, 52.0),
            (2, 53.0),
        ] {
            let next = now(&mut clock, wall, monotonic);
            assert!(next >= last, "{next} after {last}");
            last = next;
        }
    }

    #[test]
    fn timers_stay_far_below_the_browser_limit() {
        let now = TimestampMs(1_000);
        assert_eq!(wait_ms(None, now), None);
        assert_eq!(wait_ms(Some(TimestampMs(900)), now), Some(0));
        assert_eq!(wait_ms(Some(TimestampMs(1_250)), now), Some(250));
        assert_eq!(wait_ms(Some(now.plus(DAY_MS)), now), Some(60_000));
        assert_eq!(wait_ms(Some(now.plus(30 * DAY_MS)), now), Some(3_600_000));
        assert_eq!(wait_ms(Some(TimestampMs(i64::MAX)), now), Some(3_600_000));
    }
}
