//! The engine over SQLite, natively: what a commit, a claim, a replay and a list take, on a file as the browser has it and
//! in memory.

mod stores;
#[path = "../../stepwell-engine/benches/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use stepwell_sqlite::Durability;

use stores::{Folder, Place};
use support::World;
use support::cases::Case;
use support::timed::{bench, criterion, stored};

const MANY_STORED: usize = 100_000;
const MANY_CLAIMABLE: usize = 1_000;

const RELAXED: Place = Place::File(Durability::Relaxed);
const PLACES: [(&str, Place); 3] = [
    ("file, strict", Place::File(Durability::Strict)),
    ("file, relaxed", RELAXED),
    ("memory", Place::Memory),
];

fn small(criterion: &mut Criterion) {
    let cases = [
        ("step commit", Case::Step),
        ("batch of 64 step commits", Case::Batch),
        ("trigger", Case::Trigger),
        ("trigger and start", Case::Start),
        ("claim", Case::Claim),
        ("replay of 1,000 steps", Case::Replay),
    ];
    for (name, case) in cases {
        for (place_name, place) in PLACES {
            let folder = Folder::new();
            let name = format!("{name}/{place_name}");
            bench(criterion, &name, case, || World::new(folder.open(place)));
        }
    }
    let folder = Folder::new();
    let name = "claim/file, relaxed, 1,000 claimable";
    bench(criterion, name, Case::Claim, || {
        let mut world = World::new(folder.open(RELAXED));
        let trigger = world.trigger(stored(MANY_CLAIMABLE));
        world.handle(vec![trigger]);
        world
    });
}

/// Over one database, which takes a while to fill.
fn large(criterion: &mut Criterion) {
    let folder = Folder::new();
    let filled = std::cell::OnceCell::new();
    let cases = [
        ("claim", Case::Claim),
        ("trigger", Case::Trigger),
        ("first page of runs", Case::Page),
    ];
    for (name, case) in cases {
        let name = format!("{name}/file, relaxed, 100,000 ended");
        bench(criterion, &name, case, || {
            filled.get_or_init(|| World::new(folder.open(RELAXED)).fill(stored(MANY_STORED)));
            World::new(folder.open(RELAXED))
        });
    }
}

criterion_group!(name = benches; config = criterion(); targets = small, large);
criterion_main!(benches);
