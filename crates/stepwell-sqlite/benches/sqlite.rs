//! The engine over SQLite, natively: what a commit, a claim, a replay and a list take, on a file as the browser has it and
//! in memory.

mod stores;
#[path = "../../stepwell-engine/benches/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use stepwell_sqlite::Durability;

use stores::Place;
use support::World;
use support::cases::Case;
use support::timed::{criterion, stored, time};

const MANY_STORED: usize = 100_000;
const MANY_CLAIMABLE: usize = 1_000;

const PLACES: [(&str, Place); 3] = [
    ("file, strict", Place::File(Durability::Strict)),
    ("file, relaxed", Place::File(Durability::Relaxed)),
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
            criterion.bench_function(&format!("{name}/{place_name}"), |bencher| {
                let folder = stores::Folder::new();
                time(bencher, case, World::new(folder.open(place)));
            });
        }
    }
    criterion.bench_function("claim/file, relaxed, 1,000 claimable", |bencher| {
        let folder = stores::Folder::new();
        let mut world = World::new(folder.open(Place::File(Durability::Relaxed)));
        let trigger = world.trigger(stored(MANY_CLAIMABLE));
        world.handle(vec![trigger]);
        time(bencher, Case::Claim, world);
    });
}

/// Over one database, which takes a while to fill.
fn large(criterion: &mut Criterion) {
    let folder = stores::Folder::new();
    let filled = std::cell::OnceCell::new();
    let mut on_many = |name: &str, case| {
        criterion.bench_function(&format!("{name}/file, relaxed, 100,000 ended"), |bencher| {
            let place = Place::File(Durability::Relaxed);
            filled.get_or_init(|| World::new(folder.open(place)).fill(stored(MANY_STORED)));
            time(bencher, case, World::new(folder.open(place)));
        });
    };
    on_many("claim", Case::Claim);
    on_many("trigger", Case::Trigger);
    on_many("first page of runs", Case::Page);
}

criterion_group!(name = benches; config = criterion(); targets = small, large);
criterion_main!(benches);
