//! The engine over the reference store. That one copies all it holds for each transaction, so nothing here has many runs
//! stored: read the engine's own part off `cargo xtask instructions`, and many runs off the benches of `stepwell-sqlite`.

mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use stepwell_engine::{MemoryStore, Ownership};

use support::World;
use support::cases::Case;
use support::timed::{bench, criterion};

fn reference(criterion: &mut Criterion) {
    let cases = [
        ("step commit", Case::Step),
        ("batch of 64 step commits", Case::Batch),
        ("trigger", Case::Trigger),
        ("trigger and start", Case::Start),
        ("claim", Case::Claim),
        ("replay of 1,000 steps", Case::Replay),
    ];
    for (name, case) in cases {
        bench(criterion, &format!("{name}/reference store"), case, || {
            World::new(MemoryStore::new(Ownership::Exclusive))
        });
    }
}

criterion_group!(name = benches; config = criterion(); targets = reference);
criterion_main!(benches);
