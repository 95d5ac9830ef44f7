//! SQLite and the reference store get the same operations and must answer alike. After a crash SQLite must have one of
//! the states that it may have: the last committed one, or that of a commit that was never confirmed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::rc::Rc;

use stepwell_engine::{MemoryStore, Ownership, Store, StoreError, StoreResult};
use stepwell_protocol::{
    Generation, LogLine, LogQuery, Order, RequestId, Run, RunFilter, RunId, Step,
};
use stepwell_sqlite::SqliteStore;

use super::history::{self, History};
use super::{Verdicts, ensure};
use crate::counts::{Counts, Fault, State};

pub(crate) const NAME: &str = "reference";

/// What the world sees of the stores, beyond the life of one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) verdicts: Verdicts,
    pub(crate) counts: Counts,
    pub(crate) history: History,
    /// Under which generation each step was written first.
    pub(crate) written: BTreeMap<(RunId, String), Generation>,
    /// Everything that was written under a fence: the run, its generation and, for a step, its name.
    pub(crate) accepted: BTreeSet<(RunId, Generation, Option<String>)>,
    /// Runs taken from their executor because a message could not be stored.
    pub(crate) given_up: BTreeSet<RunId>,
    /// The next so many guarded writes fail for no known reason.
    pub(crate) unexpected: u32,
    /// Whether answers are compared. Off, the other properties must do.
    pub(super) compares: bool,
    /// The first is in force. Several between a restart and its first session: they are told apart by it.
    pub(super) models: Vec<MemoryStore>,
    pub(super) committed: MemoryStore,
    /// What may be found after a restart, because a commit was neither confirmed nor overwritten.
    pub(super) possible: Vec<MemoryStore>,
    pub(super) touched: BTreeSet<RunId>,
}

pub(crate) type SharedWatch = Rc<RefCell<Watch>>;

impl Watch {
    pub(crate) fn new(compares: bool) -> Self {
        let empty = MemoryStore::new(Ownership::Exclusive);
        Self {
            verdicts: Verdicts::default(),
            counts: Counts::default(),
            history: History::default(),
            written: BTreeMap::new(),
            accepted: BTreeSet::new(),
            given_up: BTreeSet::new(),
            unexpected: 0,
            compares,
            models: vec![empty.clone()],
            committed: empty,
            possible: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    pub(super) fn compare<T: PartialEq + Debug>(
        &mut self,
        call: &str,
        real: &T,
        on_model: impl FnOnce(&mut MemoryStore) -> StoreResult<T>,
    ) {
        let expected = on_model(&mut self.models[0]);
        if self.compares {
            let verdict = ensure(expected.as_ref() == Ok(real), || {
                format!("{call} gave {real:?}; the reference gave {expected:?}")
            });
            self.verdicts.judge(NAME, verdict);
        }
    }

    pub(super) fn fails_unexpectedly(&mut self, run_id: Option<&RunId>) -> StoreResult<()> {
        if self.unexpected == 0 {
            return Ok(());
        }
        self.unexpected -= 1;
        self.counts.struck(Fault::Unexpected);
        self.given_up.extend(run_id.cloned());
        Err(StoreError::Other("planned by the simulator".to_owned()))
    }
}

/// SQLite with the reference beside it.
#[derive(Debug)]
pub(crate) struct ReferenceStore {
    pub(super) sqlite: SqliteStore,
    pub(super) watch: SharedWatch,
}

impl ReferenceStore {
    /// Takes over a freshly opened database and finds out which of its possible states it is in.
    pub(crate) fn open(mut sqlite: SqliteStore, watch: &SharedWatch) -> StoreResult<Self> {
        let found = content(&mut sqlite)?;
        {
            let watch = &mut *watch.borrow_mut();
            watch.models = std::iter::once(&watch.committed)
                .chain(&watch.possible)
                .filter(|model| {
                    content(&mut (*model).clone()).is_ok_and(|expected| expected == found)
                })
                .cloned()
                .collect();
            if watch.compares {
                let verdict = ensure(!watch.models.is_empty(), || {
                    format!("after a restart the database has a state it cannot have: {found:?}")
                });
                watch.verdicts.judge(NAME, verdict);
            }
            let committed = content(&mut watch.committed.clone())?;
            if found != committed {
                watch.counts.saw(State::CommitSurfaced);
            }
            if watch.models.is_empty() {
                watch.models.push(watch.committed.clone());
            }
            for (run, _, steps, _) in found {
                let verdict = watch.history.see(run, steps);
                watch.verdicts.judge(history::NAME, verdict);
            }
        }
        Ok(Self {
            sqlite,
            watch: Rc::clone(watch),
        })
    }

    /// Upkeep, as a host does it when idle.
    pub(crate) fn maintain(&mut self) -> StoreResult<bool> {
        self.sqlite.maintain()
    }

    /// SQLite's own check, and the reference's whole content beside SQLite's.
    pub(crate) fn check_all(&mut self) {
        let problems = self.sqlite.integrity_check();
        let real = content(&mut self.sqlite);
        let mut watch = self.watch.borrow_mut();
        let expected = content(&mut watch.committed.clone());
        let sound = ensure(problems == Ok(Vec::new()), || {
            format!("integrity_check says {problems:?}")
        });
        watch.verdicts.judge(NAME, sound);
        if watch.compares {
            let alike = ensure(real == expected, || {
                format!("SQLite has {real:?}; the reference has {expected:?}")
            });
            watch.verdicts.judge(NAME, alike);
        }
    }

    pub(super) fn see_touched(&mut self) {
        let touched = std::mem::take(&mut self.watch.borrow_mut().touched);
        for run_id in touched {
            let run = self.sqlite.run(&run_id);
            let steps = self.sqlite.steps(&run_id, true);
            // A dead disk cannot be read; what it holds is seen at the next opening.
            if let (Ok(Some(run)), Ok(steps)) = (run, steps) {
                let watch = &mut *self.watch.borrow_mut();
                let verdict = watch.history.see(run, steps);
                watch.verdicts.judge(history::NAME, verdict);
            }
        }
    }

    pub(super) fn touch(&self, run_id: &RunId) {
        self.watch.borrow_mut().touched.insert(run_id.clone());
    }
}

type Content = Vec<(Run, Option<RequestId>, Vec<Step>, Vec<LogLine>)>;

/// All that the port shows of a store.
fn content(store: &mut impl Store) -> StoreResult<Content> {
    let filter = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    store
        .runs(&filter)?
        .runs
        .into_iter()
        .map(|run| {
            let request = store.last_request(&run.id)?;
            let steps = store.steps(&run.id, true)?;
            let logs = store.logs(&whole_log(&run.id))?.logs;
            Ok((run, request, steps, logs))
        })
        .collect()
}

/// A query for all lines of a run.
pub(crate) fn whole_log(run_id: &RunId) -> LogQuery {
    LogQuery {
        run_id: run_id.clone(),
        level: None,
        order: Order::Asc,
        cursor: None,
        limit: 10_000,
    }
}
