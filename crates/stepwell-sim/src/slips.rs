//! Mistakes that the models of tabs can be made to make, for the properties to find. Those of the engine are in
//! `stepwell_engine::planted`.

/// A mistake of a tab or of its engine's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// A follower goes on after a gap as if nothing were missing.
    GapIgnored,
    /// A follower applies what came with a reply and what everybody was told, both.
    EventsTwice,
    /// A follower takes a reply before events of earlier batches.
    ReplyAhead,
    /// A follower does not read everything again when it follows another engine.
    NothingReadAgain,
    /// What has no answer is not sent to the next leader.
    NotResent,
    /// A page that is frozen gives up its seat and leaves the engine's handles open.
    FrozenWriter,
    /// A page lets go of its engine in good order, and nothing gives the leases back.
    ReleasedWithoutLeases,
}

impl Slip {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::GapIgnored,
        Self::EventsTwice,
        Self::ReplyAhead,
        Self::NothingReadAgain,
        Self::NotResent,
        Self::FrozenWriter,
        Self::ReleasedWithoutLeases,
    ];
}
