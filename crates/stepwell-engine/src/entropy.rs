//! Randomness as an input, and the run ids made from it.

use stepwell_protocol::{RunId, TimestampMs};
use uuid::{Builder, Uuid};

/// 16 random bytes from the host, fresh for each call of [`crate::Engine::handle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entropy(pub [u8; 16]);

/// A stream of random numbers from one [`Entropy`]: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) seeded with one half
/// and salted with the other.
#[derive(Debug)]
pub(crate) struct RandomStream {
    state: u64,
    salt: u64,
}

impl RandomStream {
    pub(crate) fn new(entropy: Entropy) -> Self {
        let bytes = u128::from_le_bytes(entropy.0);
        // Both halves of the 128 bits: truncation is the point.
        #[allow(clippy::cast_possible_truncation)]
        Self {
            state: bytes as u64,
            salt: (bytes >> 64) as u64,
        }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) ^ self.salt
    }
}

/// Makes UUIDv7 run ids that rise strictly, whatever the clock does: RFC 9562 §6.2 method 1, with `rand_a` as a counter
/// within the millisecond. Starts above the newest stored id, so that a clock put back does not disturb the order.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunIds {
    last_ms: u64,
    counter: u16,
}

impl RunIds {
    const COUNTER_MAX: u16 = 0x0FFF;

    /// Goes on after `newest`, where it is a UUIDv7.
    pub(crate) fn after(newest: Option<&RunId>) -> Self {
        let last_ms = newest
            .and_then(|id| Uuid::try_parse(id.as_str()).ok())
            .filter(|uuid| uuid.get_version_num() == 7)
            .map_or(0, |uuid| {
                let (high, low, ..) = uuid.as_fields();
                (u64::from(high) << 16) | u64::from(low)
            });
        // Whatever counter the newest id had, the next one is in a later millisecond.
        Self {
            last_ms,
            counter: Self::COUNTER_MAX,
        }
    }

    pub(crate) fn next(&mut self, now: TimestampMs, random: &mut RandomStream) -> RunId {
        let now_ms = u64::try_from(now.0).unwrap_or(0);
        if now_ms > self.last_ms {
            (self.last_ms, self.counter) = (now_ms, 0);
        } else if self.counter < Self::COUNTER_MAX {
            self.counter += 1;
        } else {
            (self.last_ms, self.counter) = (self.last_ms + 1, 0);
        }
        let mut bytes = [0; 10];
        bytes[..2].copy_from_slice(&self.counter.to_be_bytes());
        bytes[2..].copy_from_slice(&random.next_u64().to_be_bytes());
        RunId(
            Builder::from_unix_timestamp_millis(self.last_ms, &bytes)
                .into_uuid()
                .to_string(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_strictly_within_a_millisecond_and_over_a_clock_put_back() {
        let mut random = RandomStream::new(Entropy([7; 16]));
        let mut ids = RunIds::default();
        let mut last = ids.next(TimestampMs(1_800_000_000_000), &mut random);
        for offset in (0..10_000).map(|n| if n < 6_000 { 0 } else { -1_000 }) {
            let next = ids.next(TimestampMs(1_800_000_000_000 + offset), &mut random);
            assert!(next > last, "{next} after {last}");
            last = next;
        }
        let mut later_session = RunIds::after(Some(&last));
        assert!(
            later_session.next(TimestampMs(5), &mut random) > last,
            "a new session goes on after the newest id"
        );
    }

    #[test]
    fn ids_are_version_7_with_their_time() {
        let mut random = RandomStream::new(Entropy([1; 16]));
        let id = RunIds::default().next(TimestampMs(1_800_000_000_123), &mut random);
        let uuid = Uuid::try_parse(id.as_str()).expect("a UUID");
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(RunIds::after(Some(&id)).last_ms, 1_800_000_000_123);
    }
}
